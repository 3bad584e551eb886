#!/bin/sh
# Makes report pages of all kinds and looks at them in headless Chromium with
# axe-core: errors, accessibility, and pictures in bin/pages for people to look
# at. Needs chromium, node and npm; without them it says so and ends well.
set -eu
cd "$(dirname "$0")/.."
for need in "${CHROMIUM:-chromium}" node npm go; do
	command -v "$need" >/dev/null 2>&1 || { echo "left out: looking at the report pages ($need is not installed)"; exit 0; }
done
out=$PWD/bin/pages
rm -rf "$out"
mkdir -p "$out/html" "$out/npm"
SUNUP_PAGES=$out/html go test ./reports -run TestPagesToLookAt -count=1
SUNUP_PAGES=$out/html go test ./internal/history -run 'TestThePageNames|TestAPeriod' -count=1
[ -z "${PAGES:-}" ] || find "$out/html" -type f ! -name "$PAGES" -delete
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$out/npm" axe-core@4.14.1 puppeteer-core@24.15.0 || { echo "left out: looking at the report pages (npm cannot be reached)"; exit 0; }
node scripts/pages.mjs "$out/html" "$out/pictures" "$out/npm"
echo "pictures: $out/pictures"
