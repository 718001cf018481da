//! Reads dumps.

use super::line::{Fields, octets};
use super::{Format, policies};
use crate::mit::database::Database;
use crate::mit::entry::Entry;
use crate::mit::hex::hex;
use crate::mit::tagged;

/// Reads a dump into a database, of this format or of the one that its first line names. Returns
/// the names of its principals and policies. Errors begin with the number of the line.
pub(in crate::mit) fn read(
    text: &str,
    format: Option<Format>,
    database: &mut Database,
) -> Result<(Format, Vec<String>), String> {
    let mut lines = (1..).zip(text.lines());
    let header = lines.next().map_or("", |(_, line)| line);
    let found = Format::of_header(header);
    let found = found.filter(|found| format.is_none_or(|format| format == *found));
    let format = found.ok_or("dump header bad")?;
    let mut names = Vec::new();
    for (number, line) in lines {
        let at = |why: String| format!("({number}): {why}");
        let mut fields = Fields::of(line);
        match fields.text("the record's type").map_err(at)? {
            "princ" => {
                let (name, entry) = principal(&mut fields).map_err(at)?;
                names.push(name.clone());
                database.principals.insert(name, entry);
            }
            "policy" => {
                let (name, policy) = policies::read(&mut fields, format).map_err(at)?;
                names.push(format!("created policy {name}"));
                database.policies.insert(name, policy);
            }
            "" if line.is_empty() => {}
            other => return Err(at(format!("unknown record type {other:?}"))),
        }
    }
    Ok((format, names))
}

fn principal(fields: &mut Fields<'_>) -> Result<(String, Entry), String> {
    let _length: u32 = fields.number("the length of the fixed part")?;
    let name_length: usize = fields.number("the name's length")?;
    let tagged: u16 = fields.number("the number of tagged data")?;
    let keys: u16 = fields.number("the number of keys")?;
    let extra: usize = fields.number("the length of the extra data")?;
    let name = fields.text("the name")?;
    if name.len() != name_length {
        return Err(format!("the name {name:?} has not {name_length} bytes"));
    }
    let mut entry = Entry {
        flags: fields.number::<i32>("the attributes")?.cast_unsigned(),
        max_life: Some(fields.life("the maximum life")?),
        max_renewable_life: Some(fields.life("the maximum renewable life")?),
        expires: fields.time("the expiration")?,
        password_expires: fields.time("the password's expiration")?,
        ..Entry::default()
    };
    entry.loaded.last_success = fields.number("the last success")?;
    entry.loaded.last_failed = fields.number("the last failure")?;
    entry.loaded.failures = fields.number("the number of failures")?;
    for _ in 0..tagged {
        let (kind, contents) = fields.tagged()?;
        tagged::load(&mut entry, kind, &contents)?;
    }
    for _ in 0..keys {
        entry.keys.push(fields.key()?);
    }
    let last = fields.text("the extra data")?;
    let last = last
        .strip_suffix(';')
        .ok_or("the record does not end with ;")?;
    entry.loaded.extra = hex(&octets(last, extra)?);
    match fields.is_empty() {
        true => Ok((name.to_owned(), entry)),
        false => Err("the line goes on after the record".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_refused_with_its_number_and_the_field() {
        let princ = "princ\t38\t3\t0\t0\t0\tu@R\t0\t1\t0\t0\t0\t0\t0\t0\t-1;";
        let header = Format::R111.header();
        let load = |line: &str| {
            let text = format!("{header}\n\n{line}\n");
            read(&text, None, &mut Database::default())
        };
        assert_eq!(load(princ), Ok((Format::R111, vec!["u@R".to_owned()])));
        for (line, said) in [
            (princ.replace("\t3\t", "\t4\t"), "(3): the name \"u@R\""),
            (princ.replace("-1;", "-1"), "does not end with ;"),
            (princ.replace("-1;", "00;"), "\"00\" is not 0 bytes"),
            (format!("{princ}\tx"), "goes on"),
            (
                princ.replace("\t38\t3\t0\t0", "\t38\t3\t0\t1"),
                "version is \"-1;\"",
            ),
            (princ.replace("\t38\t3\t0\t", "\t38\t3\t99999\t"), "99999"),
            (
                "policy\tp\t0\t0\t1\t1\t1".to_owned(),
                "references is missing",
            ),
            ("prince".to_owned(), "unknown record type \"prince\""),
        ] {
            let refused = load(&line).expect_err(&line);
            assert!(
                refused.starts_with("(3): ") && refused.contains(said),
                "{refused}"
            );
        }
        let read = |text: &str, format| read(text, format, &mut Database::default());
        assert!(read("ipropx 1 2 3 4\n", None).is_err());
        assert!(read(header, Some(Format::R13)).is_err());
        assert!(read(header, Some(Format::R111)).is_ok());
    }
}
