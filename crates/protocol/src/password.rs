//! The rules of passwords. One function for browser, terminal and gateway; the server never sees a password.

use crate::Username;

/// Fewest characters.
pub const MIN_PASSWORD_CHARS: usize = 8;
/// Most characters: far above what managers make, far below what would keep the stretching busy.
pub const MAX_PASSWORD_CHARS: usize = 128;
/// The characters that count as special.
pub const SPECIAL_CHARACTERS: &str = "!@#$%^&*()_+-=[]{}|;:,.<>?";

/// One rule, for the list beside the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// At least [`MIN_PASSWORD_CHARS`] characters.
    Length,
    /// At least one letter.
    Letter,
    /// At least one digit.
    Number,
    /// At least one of [`SPECIAL_CHARACTERS`], or any other sign that is neither letter nor digit nor space.
    Special,
    /// Not among the commonest, not the user's or the product's name.
    Uncommon,
}

impl Rule {
    /// All rules, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Length, Self::Letter, Self::Number, Self::Special, Self::Uncommon];

    /// The rule in the list beside the field.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Length => "At least 8 characters",
            Self::Letter => "A letter",
            Self::Number => "A number",
            Self::Special => "A special character",
            Self::Uncommon => "Not a common password, not your username",
        }
    }

    /// Whether `password` keeps the rule.
    pub fn is_kept_by(self, password: &str, username: Option<&Username>) -> bool {
        match self {
            Self::Length => password.chars().count() >= MIN_PASSWORD_CHARS,
            Self::Letter => password.chars().any(char::is_alphabetic),
            Self::Number => password.chars().any(char::is_numeric),
            Self::Special => password.chars().any(is_special),
            Self::Uncommon => !password.is_empty() && !is_common(password, username),
        }
    }
}

/// Why a password was not taken. The text is for the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefused {
    /// Too few characters.
    #[error("Password must be at least 8 characters long")]
    TooShort,
    /// Too many characters.
    #[error("Password must be at most 128 characters long")]
    TooLong,
    /// No letter.
    #[error("Password must contain at least one letter")]
    NoLetter,
    /// No digit.
    #[error("Password must contain at least one number")]
    NoNumber,
    /// No special character.
    #[error("Password must contain at least one special character")]
    NoSpecial,
    /// Among the commonest, or made of the user's or the product's name.
    #[error("This password is too easy to guess: choose one that is not a common password or a name")]
    Common,
}

/// Checks a password that its owner is about to choose.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(password: &str, username: Option<&Username>) -> Result<(), PasswordRefused> {
    if password.chars().count() > MAX_PASSWORD_CHARS {
        return Err(PasswordRefused::TooLong);
    }
    match Rule::ALL.into_iter().find(|rule| !rule.is_kept_by(password, username)) {
        None => Ok(()),
        Some(Rule::Length) => Err(PasswordRefused::TooShort),
        Some(Rule::Letter) => Err(PasswordRefused::NoLetter),
        Some(Rule::Number) => Err(PasswordRefused::NoNumber),
        Some(Rule::Special) => Err(PasswordRefused::NoSpecial),
        Some(Rule::Uncommon) => Err(PasswordRefused::Common),
    }
}

/// How hard a password is to guess, roughly: for the meter beside the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Not acceptable, or guessed at once.
    Weak,
    /// Acceptable.
    Fair,
    /// Holds against a patient guesser.
    Good,
    /// Holds against anyone.
    Strong,
}

/// Estimates from length, variety and repetition.
pub fn strength(password: &str, username: Option<&Username>) -> Strength {
    if check(password, username).is_err() {
        return Strength::Weak;
    }
    let mut distinct: Vec<char> = password.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let classes = [char::is_lowercase, char::is_uppercase, char::is_numeric as fn(char) -> bool, is_special];
    let variety = classes.iter().filter(|class| password.chars().any(**class)).count();
    // A repeated character adds half of what a new one does.
    let weight = password.chars().count() + distinct.len() + 2 * variety;
    match weight {
        0..28 => Strength::Fair,
        28..36 => Strength::Good,
        _ => Strength::Strong,
    }
}

fn is_special(character: char) -> bool {
    SPECIAL_CHARACTERS.contains(character)
        || !(character.is_alphanumeric() || character.is_whitespace() || character.is_control())
}

/// A password is common when it is a walk over the keyboard, one that is known from leaked lists as it stands, or when
/// what is left of it after undoing the usual disguises is one or two common words: capitals, digits and signs around
/// and between them, `@` for `a`, `0` for `o`.
fn is_common(password: &str, username: Option<&Username>) -> bool {
    let lower = password.to_lowercase();
    let plain: String = lower.chars().map(undisguise).collect();
    let trimmed: String = without_ends(&lower).chars().map(undisguise).collect();
    is_walk(&lower)
        || LEAKED.contains(&lower.as_str())
        || [lower.as_str(), &plain, &trimmed].iter().any(|text| {
            let core = without_ends(text);
            let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
            is_one_character(core)
                || is_made_of_words(core)
                || is_made_of_words(&letters)
                || username.is_some_and(|name| text.contains(name.as_str()))
        })
}

/// One common word, or two of them in a row.
fn is_made_of_words(text: &str) -> bool {
    COMMON_WORDS
        .iter()
        .filter_map(|word| text.strip_prefix(word))
        .any(|rest| rest.is_empty() || COMMON_WORDS.contains(&rest))
}

/// Whether most keys lie beside the one before, whichever of them were struck with shift: `1qaz!QAZ`.
fn is_walk(text: &str) -> bool {
    let keys: Vec<Option<(usize, usize)>> = text.chars().map(key_of).collect();
    let steps = keys.windows(2).filter(|pair| match pair {
        [Some((row, column)), Some((next_row, next_column))] => {
            row.abs_diff(*next_row) <= 1 && column.abs_diff(*next_column) <= 1
        }
        _ => false,
    });
    4 * steps.count() >= 3 * keys.len().saturating_sub(1)
}

/// Row and column on the keyboard.
fn key_of(character: char) -> Option<(usize, usize)> {
    const ROWS: [&str; 4] = ["1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"];
    const SHIFTED: [&str; 4] = ["!@#$%^&*()_+", "QWERTYUIOP{}", "ASDFGHJKL:\"", "ZXCVBNM<>?"];
    [ROWS, SHIFTED].iter().find_map(|rows| {
        let place = |(row, keys): (usize, &&str)| Some((row, keys.find(character)?));
        rows.iter().enumerate().find_map(place)
    })
}

fn without_ends(text: &str) -> &str {
    text.trim_matches(|c: char| !c.is_alphabetic())
}

fn is_one_character(text: &str) -> bool {
    let mut characters = text.chars();
    let first = characters.next();
    characters.all(|c| Some(c) == first)
}

fn undisguise(character: char) -> char {
    match character {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// What keeps all rules and yet stands among the hundred thousand commonest of leaked lists, in lower case.
#[rustfmt::skip]
const LEAKED: &[&str] = &[
    "%e2%82%ac", "4rdf_king7", "diunilaobu8*", "doc_0815", "fre_ak8yj", "h_froeschl7", "jhon@ta2011", "l58jkdjp!",
    "ncc-1701", "nick1234-rem936", "nloq_010101", "p030710p$e4o", "wapbbs_1", "xxpa33bq.adna", "ybrbnf_25",
];

/// The words that people build passwords from, and the product's own.
#[rustfmt::skip]
const COMMON_WORDS: &[&str] = &[
    "abc", "abcd", "abcdef", "abcdefg", "abcdefgh", "admin", "administrator", "amanda", "andrea", "andrew", "angel",
    "anthony", "asdf", "asdfgh", "asdfghjkl", "ashley", "austin", "baby", "bailey", "banana", "barcelona", "baseball",
    "basketball", "batman", "beautiful", "biteme", "blink", "bond", "buster", "butterfly", "changeme", "charlie",
    "cheese", "chelsea", "chicken", "chocolate", "computer", "cookie", "corvette", "cowboys", "daniel", "default",
    "diamond", "donald", "dragon", "eagles", "family", "ferrari", "fish", "flower", "football", "forever", "freedom",
    "friends", "fuckyou", "george", "ginger", "good", "google", "guest", "hallo", "hammer", "hannah", "harley",
    "heather", "hello", "hockey", "hunter", "iloveyou", "internet", "jasmine", "jennifer", "jessica", "jesus", "jordan",
    "joshua", "justin", "killer", "letmein", "liverpool", "login", "love", "lovely", "maggie", "manchester", "marina",
    "martin", "master", "matrix", "matthew", "maverick", "mercedes", "merlin", "messages", "messaging", "michael",
    "michelle", "microsoft", "monkey", "monster", "mustang", "naruto", "nicole", "ninja", "nirvana", "oracle", "orange",
    "pass", "passport", "passw", "password", "passwort", "patrick", "pepper", "pokemon", "princess", "purple", "qazwsx",
    "qwer", "qwert", "qwerty", "qwertyui", "qwertyuiop", "qwertz", "rangers", "richard", "robert", "samsung", "sasha",
    "scooter", "secret", "secure", "secure-messaging", "securemessaging", "shadow", "sheba", "silver", "soccer",
    "sophie", "starwars", "steelers", "summer", "sunshine", "superman", "taylor", "test", "tester", "thomas", "thunder",
    "tigger", "trustno", "vlad", "vova", "welcome", "whatever", "william", "winner", "winter", "yankees", "yulia",
    "zaq", "zaqwsx", "zxcvbn", "zxcvbnm",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_told_by_its_own_words() {
        let check = |password: &str| check(password, None);
        assert_eq!(check("aB3$x"), Err(PasswordRefused::TooShort));
        assert_eq!(check("12345678$"), Err(PasswordRefused::NoLetter));
        assert_eq!(check("abcdefgh$xy"), Err(PasswordRefused::NoNumber));
        assert_eq!(check("abcdefgh12xy"), Err(PasswordRefused::NoSpecial));
        assert_eq!(check(&"aB3$".repeat(33)), Err(PasswordRefused::TooLong));
        assert_eq!(check("StrongPass123!"), Ok(()));
        assert_eq!(check("geh im Wald 7 Mal!"), Ok(()));
    }

    /// Found by running [`check`] over the hundred thousand commonest passwords of leaked lists: all others break
    /// a rule of composition already, or are disguised words like the ones in the test below.
    const HARDEST_OF_THE_COMMON: [&str; 20] = [
        "sasha_007",
        "L58jkdjP!",
        "1qaz!QAZ",
        "P030710P$E4O",
        "ybrbnf_25",
        "!QAZxsw2",
        "fre_ak8yj",
        "%E2%82%AC",
        "wapbbs_1",
        "NICK1234-rem936",
        "doc_0815",
        "xxPa33bq.aDNA",
        "!QAZ1qaz",
        "g00dPa$$w0rD",
        "4rdf_king7",
        "Jhon@ta2011",
        "Nloq_010101",
        "h_froeschl7",
        "diunilaobu8*",
        "1qazZAQ!",
    ];

    #[test]
    fn what_people_and_managers_make_is_not_common() {
        for uncommon in [
            "StrongPass123!",
            "geh im Wald 7 Mal!",
            "tr0ub4dor&3",
            "gx7!opqa",
            "Correct-horse-7-battery",
            "wE4#kP9$mZ",
            "7Xw.-hLq_2Vd",
            "Müsli um 8, bitte",
            "der Hund & 3 Katzen",
        ] {
            assert_eq!(check(uncommon, None), Ok(()), "{uncommon}");
        }
    }

    #[test]
    fn disguised_common_words_and_names_are_refused() {
        for common in ["Password1!", "P@ssw0rd123", "qwerty123!", "iloveyou!!7", "Dragon2024$", "Test1234!"] {
            assert_eq!(check(common, None), Err(PasswordRefused::Common), "{common}");
        }
        for hardest in HARDEST_OF_THE_COMMON {
            assert_eq!(check(hardest, None), Err(PasswordRefused::Common), "{hardest}");
        }
        let name: Username = "marguerite".parse().unwrap();
        assert_eq!(check("Marguerite7!", Some(&name)), Err(PasswordRefused::Common));
        assert_eq!(check("Marguerite7!", None), Ok(()));
    }

    #[test]
    fn the_meter_rises_with_length_and_variety() {
        assert_eq!(strength("Password1!", None), Strength::Weak);
        assert_eq!(strength("gx7!opqa", None), Strength::Fair);
        assert!(strength("gx7!opqaVb2k", None) >= Strength::Good);
        assert_eq!(strength("geh im Wald 7 Mal spazieren!", None), Strength::Strong);
    }
}
