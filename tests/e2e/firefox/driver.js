/**
 * Firefox on a line: reads one JSON command per line, answers one JSON line each, and tells events in between.
 *
 *   -> {"id": 1, "do": "click", "selector": "...", "timeout_ms": 15000}
 *   <- {"id": 1, "ok": true, "value": ...} or {"id": 1, "ok": false, "error": "..."}
 *   <- {"event": "request" | "violation" | "problem", "text": "..."}
 *
 * Arguments: the profile's directory, width and height of the window in CSS px. Ends with its input: a test run that
 * dies takes its browser along.
 */

import { createInterface } from "node:readline";

import puppeteer from "puppeteer-core";

import { PREFERENCES } from "./preferences.js";

const [profile = "", width = "390", height = "844"] = process.argv.slice(2);
const MARK = "securitypolicyviolation ";

/** @param {object} message */
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
  headless: true,
  userDataDir: profile,
  extraPrefsFirefox: PREFERENCES,
  defaultViewport: { width: Number(width), height: Number(height) },
});
const page = await browser.newPage();

page.on("request", (request) => tell({ event: "request", text: request.url() }));
page.on("pageerror", (error) => {
  const message = error instanceof Error ? error.message : String(error);
  // Firefox reports what the content policy refused as an error of the page.
  if (/Content.Security.Policy/.test(message)) tell({ event: "violation", text: message });
  else tell({ event: "problem", text: `exception: ${message}` });
});
page.on("console", (message) => {
  const text = message.text();
  if (text.startsWith(MARK)) tell({ event: "violation", text: text.slice(MARK.length) });
  else if (message.type() === "error") tell({ event: "problem", text: `console: ${text}` });
});
await page.evaluateOnNewDocument(`
  document.addEventListener("securitypolicyviolation", (event) =>
    console.error(${JSON.stringify(MARK)} + event.violatedDirective + " " + event.blockedURI + " " + event.sourceFile));
`);

/** @type {Record<string, (command: any) => Promise<unknown>>} */
const COMMANDS = {
  goto: async ({ url }) => void (await page.goto(url)),
  reload: async () => void (await page.reload()),
  before_each_page: async ({ source }) => void (await page.evaluateOnNewDocument(source)),
  // The locator waits until the element is visible, enabled and stands still, as a person would.
  click: ({ selector, timeout_ms }) => page.locator(selector).setTimeout(timeout_ms).click(),
  fill: ({ selector, text, timeout_ms }) => page.locator(selector).setTimeout(timeout_ms).fill(text),
  sees: async ({ selector, timeout_ms }) => void (await page.waitForSelector(selector, { visible: true, timeout: timeout_ms })),
  // Through the debugger: the page's content policy neither stops nor notices it.
  eval: ({ expression }) => page.evaluate(expression),
  screenshot: async ({ path }) => void (await page.screenshot({ path })),
};

tell({ event: "ready", pid: browser.process()?.pid, version: await browser.version() });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const act = COMMANDS[command.do];
  try {
    if (!act) throw new Error(`no such command: ${command.do}`);
    tell({ id: command.id, ok: true, value: (await act(command)) ?? null });
  } catch (error) {
    tell({ id: command.id, ok: false, error: error instanceof Error ? error.message : String(error) });
  }
}
await browser.close();
