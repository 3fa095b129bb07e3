// Chromium without a window, as Debian has it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { folder } from "./harness.mjs";

/**
 * Names below `.example` are those of this machine. `--no-sandbox` is for root, as whom CI runs; it does not concern
 * what pages may send.
 */
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--ignore-certificate-errors",
  "--host-resolver-rules=MAP *.example 127.0.0.1",
];

/**
 * By default, Chromium sends a remembered password only from pages below the same site, and in navigations. The
 * policies of an administrator can change both, and other browsers never had them: here it sends them from every page.
 */
const PREFERENCES = {
  auth: { globally_scoped_http_auth_cache_enabled: true },
  profile: { block_third_party_cookies: false, cookie_controls_mode: 0 },
};

/** Opens a browser that remembers passwords for all pages alike. */
export async function openBrowser(args = []) {
  const profile = folder("chromium");
  mkdirSync(join(profile, "Default"));
  writeFileSync(join(profile, "Default", "Preferences"), JSON.stringify(PREFERENCES));
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  return chromium.launchPersistentContext(profile, { executablePath, args: [...ARGS, ...args] });
}

/** Logs in as a user does who is asked for name and password: the browser remembers them for this server. */
export async function logIn(browser, url) {
  const page = await browser.newPage();
  const response = await page.goto(`${url.replace("//", "//alice:pass%3Aword@")}/`);
  await page.close();
  if (response.status() !== 200) throw new Error(`the login at ${url} is answered by ${response.status()}`);
}
