#!/usr/bin/env bash
# Makes docs/pictures/page-*.png: the page of a pool in the states of tests/page, one of them 400 pixels wide and one in the dark.
# It needs chromium and pngquant (Debian: apt-get install chromium pngquant).
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for program in chromium pngquant; do
	command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
	echo "pictures: missing: ${missing[*]}: apt-get install chromium pngquant" >&2
	exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Call sites show no path of this machine.
(cd tests && POOLED_PICTURES="$work" go test -trimpath -count=1 -run TestWhatIsWrongIsOnTopOfThePage ./page)

# browse takes options and a page. The sandbox needs rights that root in a container does not have; the page is our own.
browse() {
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" --disable-lcd-text "$@" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}

# shoot takes the name of a state, of its picture, a width, and 1 for light or 0 for dark. A page that is long is cut: its first rows say it all.
shoot() {
	local page="$work/$1.html" picture="docs/pictures/page-$2.png" scheme="--blink-settings=preferredColorScheme=$4" height most=1150
	[ "$3" -ge 1000 ] || most=1500
	# Chromium's windows are 500 pixels wide at least, but for pictures.
	sed "s#</body>#<script>document.documentElement.style.width = '$3px'; document.title = document.documentElement.scrollHeight</script></body>#" "$page" >"$work/measured.html"
	height=$(browse "$scheme" --window-size="$3,100" --dump-dom "file://$work/measured.html" | sed -n 's#.*<title>\([0-9]*\)</title>.*#\1#p')
	browse "$scheme" --window-size="$3,$((height < most ? height : most))" --screenshot="$work/page.png" "file://$page" >/dev/null
	pngquant --force --strip --speed 1 --nofs 32 --output "$picture" "$work/page.png"
	ls -l "$picture"
}

mkdir -p docs/pictures
for page in "$work"/*.html; do
	state=$(basename "$page" .html)
	[ "$state" = measured ] || shoot "$state" "$state" 1200 1
done
shoot leak leak-400 400 1
shoot failover failover-dark 1200 0
