//! Names, put into words.

use client::Contact;

/// `alice`, `alice and bob`, `alice, bob and 3 more`.
pub fn names(people: &[Contact]) -> String {
    let name = |index: usize| people[index].username.as_str();
    match people.len() {
        0 => "Nobody".to_owned(),
        1 => name(0).to_owned(),
        2 => format!("{} and {}", name(0), name(1)),
        3 => format!("{}, {} and {}", name(0), name(1), name(2)),
        many => format!("{}, {} and {} more", name(0), name(1), many - 2),
    }
}

/// `1 new message`, `5 new messages`.
pub fn new_messages(count: usize) -> String {
    match count {
        1 => "1 new message".to_owned(),
        many => format!("{many} new messages"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::id::AccountId;

    #[test]
    fn long_lists_of_names_are_cut_short() {
        let people: Vec<Contact> = ["alice", "bob", "carol", "dave", "erin"]
            .iter()
            .map(|name| Contact { account: AccountId::from_bytes([0; 16]), username: name.parse().unwrap() })
            .collect();
        assert_eq!(names(&people[..0]), "Nobody");
        assert_eq!(names(&people[..1]), "alice");
        assert_eq!(names(&people[..2]), "alice and bob");
        assert_eq!(names(&people[..3]), "alice, bob and carol");
        assert_eq!(names(&people), "alice, bob and 3 more");
    }
}
