// The checks in a browser, or those that are named; see `run`.

import { finish } from "./harness.mjs";

const named = process.argv.slice(4);
for (const name of named.length ? named : ["allowed", "foreign", "rebinding", "inspector"]) {
  const { default: run } = await import(`./check_${name}.mjs`);
  await run();
}
finish();
