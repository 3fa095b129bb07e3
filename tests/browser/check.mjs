// All checks in a real browser; see `run`. With names of checks, only these.

import { finish } from "./harness.mjs";

for (const name of process.argv[4] ? process.argv.slice(4) : ["allowed", "foreign", "rebinding"]) {
  const { default: run } = await import(`./check_${name}.mjs`);
  await run();
}
finish();
