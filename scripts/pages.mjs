// Opens report pages in headless Chromium: no console error, no finding of
// axe-core in light and dark, and pictures at desktop, phone and print size.
// Arguments: directory of pages, directory of pictures. See pages.sh.
import { readFileSync, readdirSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [pages, pictures, modules] = process.argv.slice(2);
const require = createRequire(join(modules, "node_modules", "x.js"));
const puppeteer = require("puppeteer-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(pictures, { recursive: true });

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
  protocolTimeout: 600000,
});
let bad = 0;

async function open(file, width, height, dark) {
  const page = await browser.newPage();
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) { bad++; console.log(`${file}: console: ${m.text()}`); } });
  page.on("pageerror", (e) => { bad++; console.log(`${file}: ${e.message}`); });
  page.on("request", (r) => { if (!r.url().startsWith("file:") && !r.url().startsWith("data:")) { bad++; console.log(`${file}: asks for ${r.url()}`); } });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await page.setViewport({ width, height, isMobile: width < 500, hasTouch: width < 500 });
  await page.goto("file://" + join(pages, file), { waitUntil: "load", timeout: 300000 });
  return page;
}

async function look(file) {
  const name = file.replace(/\.html$/, "");
  for (const [size, width, height] of [["desktop", 1280, 900], ["phone", 390, 844]]) {
    for (const dark of /^(many|motley)/.test(file) ? [false] : [false, true]) {
      const page = await open(file, width, height, dark);
      if (size === "desktop" && !dark) {
        const t = await page.evaluate(() => { const n = performance.getEntriesByType("navigation")[0], p = performance.getEntriesByName("first-contentful-paint")[0]; return [n.domInteractive, n.loadEventEnd, p ? p.startTime : -1].map(Math.round); });
        console.log(`${file}: ready to use after ${t[0]} ms, loaded ${t[1]} ms, painted ${t[2]} ms`);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) { bad++; console.log(`${file} (${size}): ${wide} pixels wider than the window`); }
      if (!/^(many5000|motley)/.test(file)) {
        await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
        await page.evaluate(axe + "\n;0");
        const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations.map((v) => `${v.id} (${v.impact}): ${v.help}\n   ${v.nodes.slice(0, 4).map((n) => n.target.join(" ") + " | " + (n.failureSummary || "").split("\n").pop()).join("\n   ")}`));
        for (const f of found) { bad++; console.log(`${file} (${size}, ${dark ? "dark" : "light"}): ${f}`); }
        await page.reload({ waitUntil: "load" });
      }
      await page.screenshot({ path: join(pictures, `${name}.${size}.${dark ? "dark" : "light"}.png`), clip: { x: 0, y: 0, width, height: Math.min(6000, await page.evaluate(() => document.documentElement.scrollHeight)) }, captureBeyondViewport: true });
      await page.close();
    }
  }
  const page = await open(file, 794, 1123, false);
  if (!/^(many|motley)/.test(file)) await page.pdf({ path: join(pictures, `${name}.print.pdf`), format: "A4", preferCSSPageSize: true, printBackground: true });
  await page.close();
}

for (const file of readdirSync(pages).filter((f) => f.endsWith(".html")).sort()) await look(file);
await browser.close();
console.log(bad ? `${bad} findings` : "no finding");
process.exit(bad ? 1 : 0);
