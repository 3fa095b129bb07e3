//! Password hashes: bcrypt and argon2id (RFC 9106), and no others.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The cost of a hash: everything on which the duration of its verification depends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// The binary logarithm of the number of rounds.
    Bcrypt(u32),
    /// `memory` is in KiB; `salt` and `output` are lengths in bytes.
    Argon2id { memory: u32, passes: u32, lanes: u32, salt: usize, output: usize },
}

/// A stored hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hash {
    cost: Cost,
    salt: Box<[u8]>,
    output: Box<[u8]>,
}

/// bcrypt uses no more bytes of a password than this, and none after a NUL.
const BCRYPT_PASSWORD: usize = 72;
/// From the minimum of bcrypt to about two seconds; each step more takes twice as long.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=15;
/// The maximum memory, in KiB.
const ARGON2_MEMORY: u32 = 1 << 20;
/// Memory in KiB times passes. The maximum takes about two seconds, as above; the minimum takes a few
/// milliseconds, as does the default cost of `htpasswd -B`.
const ARGON2_WORK: std::ops::RangeInclusive<u64> = 4 << 10..=3 << 20;
/// The minimum length of an argon2id output, in bytes, that an attacker cannot hit by chance.
const ARGON2_OUTPUT: usize = 16;

impl Hash {
    /// Parses the text after `user:`. The error describes what it is instead, and never quotes it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split('$').nth(1) {
            Some("2a" | "2b" | "2y") => Self::parse_bcrypt(text),
            Some("argon2id") => Self::parse_argon2id(text),
            _ => Err(describe_unsupported(text)),
        }
    }

    /// Parses `$2y$`, cost, `$`, salt and output: 60 characters in all.
    fn parse_bcrypt(text: &str) -> Result<Self, &'static str> {
        const BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);

        let malformed = "the bcrypt hash is malformed or cut short";
        let fields: Vec<&str> = text.split('$').collect();
        let (cost, rest) = match fields[..] {
            ["", _, cost, rest] if cost.len() == 2 && rest.len() == 53 && rest.is_ascii() => {
                (cost.bytes().all(|byte| byte.is_ascii_digit()).then_some(cost), rest)
            }
            _ => return Err(malformed),
        };
        let cost = cost.and_then(|cost| cost.parse().ok()).ok_or(malformed)?;
        if !BCRYPT_COSTS.contains(&cost) {
            return Err("the cost of bcrypt must be 4 to 15: more would take several seconds");
        }
        let (salt, output) = rest.split_at(22);
        let decode = |part| BASE64.decode(part).map_err(|_| malformed);
        let (salt, output) = (decode(salt)?.into(), decode(output)?.into());
        Ok(Self { cost: Cost::Bcrypt(cost), salt, output })
    }

    /// Parses `$argon2id$v=19$m=…,t=…,p=…$salt$output`, the PHC string format.
    fn parse_argon2id(text: &str) -> Result<Self, &'static str> {
        let malformed = "the argon2id hash is malformed or cut short";
        let parsed = PasswordHash::new(text).map_err(|_| malformed)?;
        if parsed.version != Some(0x13) {
            return Err("the argon2id hash must be of version 1.3: v=19");
        }
        let number = |name: &str| parsed.params.get_decimal(name).ok_or(malformed);
        let (memory, passes, lanes) = (number("m")?, number("t")?, number("p")?);
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else {
            return Err(malformed);
        };
        // Another spelling of the parameters may mean something else to another program.
        if parsed.params.as_str() != format!("m={memory},t={passes},p={lanes}") {
            return Err(malformed);
        }
        if memory > ARGON2_MEMORY {
            return Err("m of argon2id must be at most 1048576: more would take over 1 GiB");
        }
        let work = u64::from(memory) * u64::from(passes);
        if work > *ARGON2_WORK.end() {
            return Err("m times t of argon2id must be at most 3145728: \
                        more would take several seconds");
        }
        if work < *ARGON2_WORK.start() {
            return Err("m times t of argon2id must be at least 4096: less is too fast to guess");
        }
        if output.len() < ARGON2_OUTPUT {
            return Err("the output of argon2id must have at least 16 bytes");
        }
        let cost = Cost::Argon2id { memory, passes, lanes, salt: salt.len(), output: output.len() };
        argon2(memory, passes, lanes).map_err(|_| "argon2id does not accept these parameters")?;
        Ok(Self { cost, salt: (*salt).into(), output: output.as_ref().into() })
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// Creates a dummy hash of equal cost. Its result must be ignored.
    pub(super) fn dummy(cost: Cost) -> Self {
        let (salt, output) = match cost {
            Cost::Bcrypt(_) => (16, 23),
            Cost::Argon2id { salt, output, .. } => (salt, output),
        };
        Self { cost, salt: vec![0; salt].into(), output: vec![0; output].into() }
    }

    /// Returns whether it is the hash of this password. A password that cannot be right, because it is
    /// too long for bcrypt, takes as long: the duration does not reveal the kind of the hash.
    ///
    /// Argon2 uses `memory`, which grows as needed and is wiped afterwards.
    ///
    /// # Errors
    ///
    /// If there is not enough memory.
    pub(super) fn verify(
        &self,
        password: &[u8],
        memory: &mut Vec<Block>,
    ) -> Result<bool, &'static str> {
        match self.cost {
            Cost::Bcrypt(cost) => Ok(self.verify_bcrypt(cost, password)),
            Cost::Argon2id { memory: kib, passes, lanes, .. } => {
                let failed = |_| "argon2 failed";
                let argon2 = argon2(kib, passes, lanes).map_err(failed)?;
                let blocks = argon2.params().block_count();
                let missing = blocks.saturating_sub(memory.len());
                memory
                    .try_reserve_exact(missing)
                    .map_err(|_| "there is not enough memory for argon2")?;
                memory.resize(memory.len() + missing, Block::new());
                let mut output = vec![0; self.output.len()];
                let hashed = argon2.hash_password_into_with_memory(
                    password,
                    &self.salt,
                    &mut output,
                    &mut *memory,
                );
                // Its blocks would let guesses be verified at a fraction of the cost.
                memory.iter_mut().for_each(Zeroize::zeroize);
                hashed.map_err(failed)?;
                Ok(output.ct_eq(&self.output).into())
            }
        }
    }

    fn verify_bcrypt(&self, cost: u32, password: &[u8]) -> bool {
        let is_usable = password.len() <= BCRYPT_PASSWORD && !password.contains(&0);
        let password = if is_usable { password } else { b"" };
        // With a terminating NUL, if there is room for one.
        let mut key = Zeroizing::new([0; BCRYPT_PASSWORD]);
        key[..password.len()].copy_from_slice(password);
        let key = &key[..BCRYPT_PASSWORD.min(password.len() + 1)];
        let Ok(salt) = (&*self.salt).try_into() else {
            return false;
        };
        // By tradition, implementations do not store the last byte.
        let output = bcrypt::bcrypt(cost, salt, key);
        is_usable & bool::from(output[..23].ct_eq(&self.output))
    }
}

fn argon2(memory: u32, passes: u32, lanes: u32) -> Result<Argon2<'static>, argon2::Error> {
    let params = Params::new(memory, passes, lanes, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Describes a text that is neither bcrypt nor argon2id.
fn describe_unsupported(text: &str) -> &'static str {
    let is_crypt = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    match text.split('$').nth(1).filter(|_| text.starts_with('$')) {
        Some("apr1" | "1") => "MD5 is broken as a password hash",
        Some("5" | "6") => "SHA-256 and SHA-512 of crypt(3) are not supported",
        Some("2x") => "$2x$ marks a broken bcrypt, which confuses passwords",
        Some("argon2i" | "argon2d") => "of argon2, only argon2id is supported",
        Some(_) => "this kind of hash is not supported",
        None if text.starts_with('{') => "{SHA} and the like are not password hashes",
        None if text.len() == 13 && text.bytes().all(is_crypt) => {
            "it looks like crypt(3), which is broken, or a password that is not hashed"
        }
        None => "the password is not hashed",
    }
}

/// Shows the cost; the rest is sensitive.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
