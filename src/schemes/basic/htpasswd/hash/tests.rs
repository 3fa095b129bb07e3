//! Hashes of other implementations, and texts that are not hashes.

use super::*;

fn fits(hash: &str, password: &str) -> bool {
    Hash::parse(hash).unwrap().verify(password.as_bytes(), &mut Vec::new()).unwrap()
}

/// Some of the bcrypt vectors of crypt_blowfish 1.3 (wrapper.c), which `htpasswd` contains.
const BCRYPT: [(&str, &str); 5] = [
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
    ("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"),
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy", ""),
    ("$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui", SEVENTY_TWO),
];
const SEVENTY_TWO: &str =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Some of the argon2id vectors of the reference implementation (phc-winner-argon2, src/test.c).
const ARGON2ID: [(&str, &str); 5] = [
    (
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        "password",
    ),
    (
        "$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg",
        "password",
    ),
    (
        "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw",
        "password",
    ),
    (
        "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94",
        "differentpassword",
    ),
    (
        "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw",
        "password",
    ),
];
/// Another one of them, cheap and with two lanes.
const TWO_LANES: &str =
    "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

#[test]
fn bcrypt_vectors_verify() {
    for (hash, password) in BCRYPT {
        for prefix in ["$2a$", "$2b$", "$2y$"] {
            assert!(fits(&hash.replace("$2a$", prefix), password), "{hash}");
        }
        assert!(!fits(hash, "U*"), "{hash}");
    }
}

#[test]
fn argon2id_vectors_verify() {
    for (hash, password) in ARGON2ID {
        assert!(fits(hash, password), "{hash}");
        assert!(!fits(hash, "passwore"), "{hash}");
    }
    // Its cost is too low for a file.
    let cost = Cost::Argon2id { memory: 256, passes: 2, lanes: 2, salt: 8, output: 32 };
    let parsed = PasswordHash::new(TWO_LANES).unwrap();
    let output = parsed.hash.unwrap();
    let two = Hash { cost, salt: (*b"somesalt").into(), output: output.as_ref().into() };
    assert!(two.verify(b"password", &mut Vec::new()).unwrap());
}

#[test]
fn long_passwords_and_nul_are_not_truncated() {
    let (hash, password) = BCRYPT[4];
    assert!(fits(hash, password));
    // bcrypt itself treats these as the same password.
    assert!(!fits(hash, &format!("{password}chars after 72 are ignored")));
    assert!(!fits(hash, &format!("{password}0")));
    let (hash, password) = BCRYPT[0];
    assert!(!fits(hash, &format!("{password}\0")));
    assert!(!fits(hash, &format!("{password}\0{password}")));
    let (empty, _) = BCRYPT[3];
    assert!(fits(empty, "") && !fits(empty, "\0") && !fits(empty, &"0".repeat(73)));

    // Argon2 accepts any length.
    let long = "0".repeat(1000);
    let mut output = [0; 32];
    let argon2 = argon2(4096, 1, 1).unwrap();
    let mut memory = vec![Block::new(); 4096];
    argon2
        .hash_password_into_with_memory(long.as_bytes(), b"somesalt", &mut output, &mut memory)
        .unwrap();
    let cost = Cost::Argon2id { memory: 4096, passes: 1, lanes: 1, salt: 8, output: 32 };
    let hash = Hash { cost, salt: (*b"somesalt").into(), output: output.into() };
    assert!(hash.verify(long.as_bytes(), &mut memory).unwrap());
    assert!(!hash.verify(&long.as_bytes()[1..], &mut memory).unwrap());
}

#[test]
fn memory_is_wiped_and_reused() {
    let mut memory = Vec::new();
    for (hash, password) in [ARGON2ID[2], ARGON2ID[0], ARGON2ID[1], ARGON2ID[3]] {
        let hash = Hash::parse(hash).unwrap();
        assert!(hash.verify(password.as_bytes(), &mut memory).unwrap());
        assert_eq!(memory.capacity(), 65536);
        let mut words = memory.iter().flat_map(|block| block.as_ref());
        assert!(words.all(|word: &u64| *word == 0));
    }
}

#[test]
fn costs_are_bounded() {
    let bcrypt = |cost: &str| Hash::parse(&BCRYPT[0].0.replace("$05$", &format!("${cost}$")));
    for (cost, accepted) in
        [("03", false), ("04", true), ("15", true), ("16", false), ("99", false), ("00", false)]
    {
        assert_eq!(bcrypt(cost).is_ok(), accepted, "{cost}");
    }
    let argon2 = |m, t, p| {
        let params = format!("m={m},t={t},p={p}");
        Hash::parse(&ARGON2ID[0].0.replace("m=65536,t=2,p=1", &params))
    };
    for (m, t, p, accepted) in [
        (1 << 20, 3, 1, true),
        (1 << 20, 4, 1, false),
        ((1 << 20) + 1, 1, 1, false),
        (u32::MAX, 1, 1, false),
        (65536, 48, 4, true),
        (65536, 49, 4, false),
        (4096, 1, 1, true),
        (4095, 1, 1, false),
        (8, 512, 1, true),
        (8, 512, 2, false), // each lane needs 8 KiB
        (7, 600, 1, false),
        (65536, 0, 1, false),
        (65536, 2, 0, false),
    ] {
        assert_eq!(argon2(m, t, p).is_ok(), accepted, "m={m},t={t},p={p}");
    }
}

#[test]
fn malformed_hashes_are_rejected() {
    let (bcrypt, _) = BCRYPT[0];
    let (argon2, _) = ARGON2ID[0];
    assert!(Hash::parse(bcrypt).is_ok() && Hash::parse(argon2).is_ok());
    for (good, from, to) in [
        (bcrypt, "OeW", "Oe"),
        (bcrypt, "OeW", "OeWW"),
        (bcrypt, "OeW", "OeW "),
        (bcrypt, "OeW", "OeW:comment"),
        (bcrypt, "OeW", "Oe="),
        (bcrypt, "OeW", "OeX"),   // bits beyond the output
        (bcrypt, "CC.E", "CC/E"), // and beyond the salt
        (bcrypt, "CC.E", "C!.E"),
        (bcrypt, "CC.E", "é.E"),
        (bcrypt, "$05$", "$5$"),
        (bcrypt, "$05$", "$+5$"),
        (bcrypt, "$05$", "$005$"),
        (bcrypt, "$05$", "$$"),
        (bcrypt, "$05$C", "$05$$"),
        (bcrypt, "$2a$", "$2$"),
        (bcrypt, "$2a$", "$2x$"),
        (bcrypt, "$2a$", "2a$"),
        (bcrypt, "$2a$", "x$2a$"),
        (bcrypt, "$2a$", " $2a$"),
        (argon2, "RPPc", "RPP"),
        (argon2, "RPPc", "RPPc="),
        (argon2, "RPPc", "RPPc$"),
        (argon2, "RPPc", "RPPd"), // bits beyond the output
        (argon2, "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", ""),
        (argon2, "$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "$CTFhFdXPJO1aFaMaO6Mm"),
        (argon2, "c29tZXNhbHQ", "c29t"),
        (argon2, "c29tZXNhbHQ", ""),
        (argon2, "$v=19", ""),
        (argon2, "$v=19", "$v=16"),
        (argon2, "$v=19", "$v=019"),
        (argon2, "m=65536,t=2,p=1", "m=65536,t=2"),
        (argon2, "m=65536,t=2,p=1", "t=2,m=65536,p=1"),
        (argon2, "m=65536,t=2,p=1", "m=65536,t=2,p=1,p=1"),
        (argon2, "m=65536,t=2,p=1", "m=65536,t=2,p=1,data=c29t"),
        (argon2, "m=65536,t=2,p=1", "m=65536,t=2,p=1,keyid=c29t"),
        (argon2, "m=65536,t=2,p=1", "m=065536,t=2,p=1"),
        (argon2, "m=65536,t=2,p=1", "m=-65536,t=2,p=1"),
        (argon2, "m=65536,t=2,p=1$", ""),
        (argon2, "$argon2id", "$argon2i"),
        (argon2, "$argon2id", "$argon2d"),
        (argon2, "$argon2id", "$argon2ID"),
        (argon2, "$argon2id", "argon2id"),
    ] {
        assert!(good.contains(from));
        let bad = good.replacen(from, to, 1);
        assert!(Hash::parse(&bad).is_err(), "{bad}");
    }
}

#[test]
fn dummy_has_the_same_cost_and_another_output() {
    for hash in [BCRYPT[0].0, ARGON2ID[1].0] {
        let hash = Hash::parse(hash).unwrap();
        let dummy = Hash::dummy(hash.cost());
        assert_eq!(dummy.cost(), hash.cost());
        assert_eq!((dummy.salt.len(), dummy.output.len()), (hash.salt.len(), hash.output.len()));
        assert!(!dummy.verify(b"password", &mut Vec::new()).unwrap());
    }
}

#[test]
fn debug_shows_only_the_cost() {
    let shown = format!("{:?}", Hash::parse(BCRYPT[0].0).unwrap());
    assert_eq!(shown, "Hash { cost: Bcrypt(5), .. }");
}
