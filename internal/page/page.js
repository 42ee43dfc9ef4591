// Fetches the page again every few seconds, and puts what is new in the place of what was there. What is unfolded stays so.
"use strict";
const every = 5000;
const state = document.getElementById("state");
const pause = document.getElementById("pause");
let paused = false;

function tell(text, bad) {
	state.textContent = text;
	state.className = bad ? "bad" : "";
}

function unfolded(root) {
	return new Set(Array.from(root.querySelectorAll("details[open][data-key]"), (d) => d.dataset.key));
}

async function refresh() {
	// Nothing moves under who reads, or is about to press a button.
	const busy = String(getSelection()) !== "" || document.querySelector("form:hover, form:focus-within");
	if (!paused && !busy && !document.hidden) {
		try {
			const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
			const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
			if (!answer.ok || !fresh.getElementById("pool")) {
				throw new Error("status " + answer.status);
			}
			const open = unfolded(document);
			for (const details of fresh.querySelectorAll("details[data-key]")) {
				details.open = open.has(details.dataset.key);
			}
			for (const id of ["pool", "made"]) {
				document.getElementById(id).replaceWith(document.adoptNode(fresh.getElementById(id)));
			}
			document.title = fresh.title;
			tell("every 5 s", false);
		} catch (error) {
			tell("the program does not answer: this is what was", true);
		}
	}
	setTimeout(refresh, every);
}

pause.hidden = false;
pause.addEventListener("click", () => {
	paused = !paused;
	pause.textContent = paused ? "go on" : "pause";
	tell(paused ? "paused" : "every 5 s", false);
});
tell("every 5 s", false);
setTimeout(refresh, every);
