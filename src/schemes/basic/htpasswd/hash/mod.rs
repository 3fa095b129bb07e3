//! Hashes of passwords: bcrypt and argon2id (RFC 9106), and nothing else.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use subtle::ConstantTimeEq;

/// How much a hash costs: whatever the time of its verification depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// 2 to the power of this.
    Bcrypt(u32),
    /// Memory in KiB.
    Argon2id { memory: u32, passes: u32, lanes: u32, salt: usize, output: usize },
}

/// A stored hash.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Hash {
    cost: Cost,
    salt: Box<[u8]>,
    output: Box<[u8]>,
}

/// bcrypt takes no more of a password than this, and ends it at a NUL.
const BCRYPT_PASSWORD: usize = 72;
/// bcrypt's own least; 15 takes about two seconds, and each one more twice as long.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=15;
/// In KiB.
const ARGON2_MEMORY: u32 = 1 << 20;
/// In KiB, each time it is passed over: the most takes about two seconds, as above, and the least
/// a few milliseconds, as what `htpasswd -B` makes by default.
const ARGON2_WORK: std::ops::RangeInclusive<u64> = 4 << 10..=3 << 20;
/// The least length of an argon2id output that a guesser cannot hit by accident, in bytes.
const ARGON2_OUTPUT: usize = 16;

impl Hash {
    /// Reads what stands behind `user:`. The error says what it is instead, and never quotes it.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.split('$').nth(1) {
            Some("2a" | "2b" | "2y") => Self::parse_bcrypt(text),
            Some("argon2id") => Self::parse_argon2id(text),
            _ => Err(foreign(text)),
        }
    }

    /// `$2y$` cost `$` salt and output: 60 characters in all.
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

    /// `$argon2id$v=19$m=…,t=…,p=…$salt$output`, the PHC string format.
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
        // What is written in another way than this means something else to somebody.
        if parsed.params.as_str() != format!("m={memory},t={passes},p={lanes}") {
            return Err(malformed);
        }
        if memory > ARGON2_MEMORY {
            return Err("m of argon2id must be 1048576 at most: it would take more than 1 GiB");
        }
        let work = u64::from(memory) * u64::from(passes);
        if work > *ARGON2_WORK.end() {
            return Err("m times t of argon2id must be 3145728 at most: \
                        more would take several seconds");
        }
        if work < *ARGON2_WORK.start() {
            return Err("m times t of argon2id must be 4096 or more: less stops no guesser");
        }
        if output.len() < ARGON2_OUTPUT {
            return Err("the output of argon2id must have 16 bytes or more");
        }
        let cost = Cost::Argon2id { memory, passes, lanes, salt: salt.len(), output: output.len() };
        argon2(memory, passes, lanes).map_err(|_| "argon2id does not take these parameters")?;
        Ok(Self { cost, salt: (*salt).into(), output: output.as_ref().into() })
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// One that costs as much to verify against, and means nothing: do not believe it when a
    /// password fits.
    pub(super) fn dummy(cost: Cost) -> Self {
        let (salt, output) = match cost {
            Cost::Bcrypt(_) => (16, 23),
            Cost::Argon2id { salt, output, .. } => (salt, output),
        };
        Self { cost, salt: vec![0; salt].into(), output: vec![0; output].into() }
    }

    /// Whether it is the hash of this password. It takes as long for a password that is none,
    /// since it is too long for bcrypt, say: who asks does not learn what kind of hash there is.
    ///
    /// Argon2 works in `memory`, which grows to what it needs.
    ///
    /// # Errors
    ///
    /// If there is no memory.
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
                memory.try_reserve_exact(missing).map_err(|_| "there is no memory for argon2")?;
                memory.resize(memory.len() + missing, Block::new());
                let mut output = vec![0; self.output.len()];
                argon2
                    .hash_password_into_with_memory(password, &self.salt, &mut output, memory)
                    .map_err(failed)?;
                Ok(output.ct_eq(&self.output).into())
            }
        }
    }

    fn verify_bcrypt(&self, cost: u32, password: &[u8]) -> bool {
        let whole = password.len() <= BCRYPT_PASSWORD && !password.contains(&0);
        let password = if whole { password } else { b"" };
        // With the NUL that ends it, where there is room for one.
        let mut key = [0; BCRYPT_PASSWORD];
        key[..password.len()].copy_from_slice(password);
        let key = &key[..BCRYPT_PASSWORD.min(password.len() + 1)];
        let Ok(salt) = (&*self.salt).try_into() else {
            return false;
        };
        // The last byte is not stored, by everybody's tradition.
        let output = bcrypt::bcrypt(cost, salt, key);
        whole & bool::from(output[..23].ct_eq(&self.output))
    }
}

fn argon2(memory: u32, passes: u32, lanes: u32) -> Result<Argon2<'static>, argon2::Error> {
    let params = Params::new(memory, passes, lanes, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What it is that is neither bcrypt nor argon2id.
fn foreign(text: &str) -> &'static str {
    let is_crypt = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    match text.split('$').nth(1).filter(|_| text.starts_with('$')) {
        Some("apr1" | "1") => "MD5 is broken as a hash of passwords",
        Some("5" | "6") => "crypt's SHA-256 and SHA-512 are not read",
        Some("2x") => "$2x$ marks a broken bcrypt, which mixes passwords up",
        Some("argon2i" | "argon2d") => "of argon2, only argon2id is read",
        Some(_) => "this kind of hash is not read",
        None if text.starts_with('{') => "{SHA} and its like are no hashes for passwords",
        None if text.len() == 13 && text.bytes().all(is_crypt) => {
            "it looks like crypt(3), which is broken, or a password that is not hashed"
        }
        None => "the password is not hashed",
    }
}

/// Shows what it costs; the rest is for nobody's eyes.
impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hash").field("cost", &self.cost).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
