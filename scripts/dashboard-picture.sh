#!/usr/bin/env bash
# Makes docs/pictures/dashboard.png: the panels of the dashboard, with the figures of the shop of examples/observability after two minutes and a half.
# It needs chromium and pngquant (Debian: apt-get install chromium pngquant), and what scripts/test-servers.sh install pg15 prometheus installs.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
for program in chromium pngquant prometheus; do
	command -v "$program" >/dev/null || missing+=("$program")
done
if [ ${#missing[@]} -gt 0 ]; then
	echo "dashboard-picture: missing: ${missing[*]}: apt-get install chromium pngquant, and scripts/test-servers.sh install pg15 prometheus" >&2
	exit 1
fi

address=127.0.0.1:8097
work=$(mktemp -d)
trap 'kill "${shop:-}" 2>/dev/null; wait; rm -rf "$work"' EXIT
go build -o "$work/shop" ./examples/observability
"$work/shop" -listen "$address" -for 4m >"$work/log" 2>&1 &
shop=$!

sleep 150 # until two minutes of the page are full
kill -0 "$shop" || { cat "$work/log" >&2; exit 1; }
# The sandbox needs rights that root in a container does not have; the page is our own.
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" --disable-lcd-text --window-size=1280,3640 \
	--virtual-time-budget=12000 --screenshot="$work/page.png" "http://$address/" 2>"$work/chromium.log" || { cat "$work/chromium.log" >&2; exit 1; }
mkdir -p docs/pictures
pngquant --force --strip --speed 1 --nofs 25 --output docs/pictures/dashboard.png "$work/page.png"
ls -l docs/pictures/dashboard.png
