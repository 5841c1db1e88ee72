//! Many rows in two parameters: their bytes one after the other, and a JSON array that says where each begins and what
//! its numbers are. The statement stays the same for any number of rows, so it is checked when the crate is compiled, and
//! prepared once. In SQL a row's bytes are `substr(?1, row.value ->> 0, 16)`, its numbers `row.value ->> 1` and so on.

/// Rows in the making.
#[derive(Default)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    rows: String,
}

impl Packed {
    /// Adds a row of these parts of bytes, one after the other, and these numbers.
    pub(crate) fn push(&mut self, parts: &[&[u8]], numbers: &[i64]) {
        // SQL counts from 1.
        let begins_at = self.bytes.len() + 1;
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.rows.push_str(if self.rows.is_empty() { "[[" } else { ",[" });
        self.rows.push_str(&begins_at.to_string());
        for number in numbers {
            self.rows.push(',');
            self.rows.push_str(&number.to_string());
        }
        self.rows.push(']');
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The two parameters.
    pub(crate) fn into_parameters(mut self) -> (Vec<u8>, String) {
        if self.rows.is_empty() {
            self.rows.push('[');
        }
        self.rows.push(']');
        (self.bytes, self.rows)
    }
}

impl<'a> FromIterator<&'a [u8]> for Packed {
    fn from_iter<I: IntoIterator<Item = &'a [u8]>>(rows: I) -> Self {
        let mut packed = Self::default();
        for row in rows {
            packed.push(&[row], &[]);
        }
        packed
    }
}

/// Many numbers in one parameter: in SQL they are the values of its `json_each`.
pub(crate) fn numbers(numbers: impl IntoIterator<Item = i64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    format!("[{}]", numbers.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_where_they_begin_and_what_their_numbers_are() {
        let mut packed = Packed::default();
        packed.push(&[b"ab", b"c"], &[7, -1]);
        packed.push(&[b"de"], &[]);
        assert_eq!(packed.into_parameters(), (b"abcde".to_vec(), "[[1,7,-1],[4]]".to_owned()));
        assert_eq!(Packed::default().into_parameters(), (Vec::new(), "[]".to_owned()));
        assert_eq!((numbers([7, -1]), numbers([])), ("[7,-1]".to_owned(), "[]".to_owned()));
    }
}
