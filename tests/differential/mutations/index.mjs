// The mutations. Each has a name, and changes a token in the making.

import { claimMutations } from './claims.mjs'
import { encodingMutations, structureMutations } from './encoding.mjs'
import { headerMutations } from './header.mjs'
import { jsonMutations } from './json.mjs'
import { randomMutations } from './random.mjs'
import { signatureMutations } from './signature.mjs'

/** Those that concern every algorithm alike. */
export const general = [
    ...claimMutations(), ...jsonMutations('headerText'), ...jsonMutations('payloadText'), ...structureMutations(),
]

/** Those that are done for each algorithm. */
export const particular = [...headerMutations(), ...encodingMutations(), ...signatureMutations(), ...randomMutations()]
