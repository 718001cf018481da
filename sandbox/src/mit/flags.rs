//! The flags of principals: their bits in MIT's database, and their names in kadmin, `kdc.conf`
//! and `kadm5.acl`.

use kerbox_kdc::Attributes;

/// The flag that refuses all tickets.
pub(crate) const DISALLOW_ALL_TIX: u32 = Attributes::DISALLOW_ALL_TIX.bits();
/// The flag that demands a new password.
pub(crate) const REQUIRES_PWCHANGE: u32 = Attributes::REQUIRES_PWCHANGE.bits();

/// The flags of MIT's database that have no effect, there or here.
const WITHOUT_EFFECT: [(u32, &str); 2] = [(0x4000, "SUPPORT_DESMD5"), (0x8000, "NEW_PRINC")];

/// MIT's names besides those of [`Attributes`] and of the database: the bit, and true if `+name`
/// sets it.
const OTHER_NAMES: [(&str, u32, bool); 14] = [
    ("postdateable", 0x1, false),
    ("forwardable", 0x2, false),
    ("tgt_based", 0x4, false),
    ("renewable", 0x8, false),
    ("proxiable", 0x10, false),
    ("dup_skey", 0x20, false),
    ("allow_tickets", DISALLOW_ALL_TIX, false),
    ("preauth", 0x80, true),
    ("hwauth", 0x100, true),
    ("pwchange", REQUIRES_PWCHANGE, true),
    ("service", 0x1000, false),
    ("pwservice", 0x2000, true),
    ("support_desmd5", 0x4000, true),
    ("md5", 0x4000, true),
];

/// A change of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    bits: u32,
    on: bool,
}

impl Change {
    /// Returns these flags after the change.
    pub(crate) fn of(self, flags: u32) -> u32 {
        match self.on {
            true => flags | self.bits,
            false => flags & !self.bits,
        }
    }
}

/// Parses `+preauth`, `-tgt-based`, `forwardable` or `+0x4000`, in any case.
pub(crate) fn parse(text: &str) -> Result<Change, String> {
    let (on, name) = match text.strip_prefix('-') {
        Some(name) => (false, name),
        None => (true, text.strip_prefix('+').unwrap_or(text)),
    };
    let name = name.to_ascii_lowercase().replace('-', "_");
    if let Some(digits) = name.strip_prefix("0x") {
        let bits = u32::from_str_radix(digits, 16)
            .map_err(|_| format!("{text:?}: {name} is not a number of 32 bits"))?;
        return Ok(Change { bits, on });
    }
    let kadmins = Attributes::names().map(|(known, sets, flag)| (known, flag.bits(), sets));
    let mut accepted = kadmins.chain(OTHER_NAMES);
    let found = accepted.find(|(known, ..)| *known == name);
    let found = found.map(|(_, bits, sets)| (bits, sets)).or_else(|| {
        let bit = bits().find(|bit| self::name(*bit).to_ascii_lowercase() == name)?;
        Some((bit, true))
    });
    let (bits, sets) = found.ok_or_else(|| {
        let known: Vec<&str> = Attributes::names().map(|(known, ..)| known).collect();
        format!("{text:?} is no flag; known are {}", known.join(", "))
    })?;
    let on = on == sets;
    Ok(Change { bits, on })
}

/// Returns the name of a bit; a number if it has none.
pub(crate) fn name(bit: u32) -> String {
    let mut others = WITHOUT_EFFECT.iter();
    let name = Attributes::from_bits(bit)
        .database_name()
        .or_else(|| Some(others.find(|(known, _)| *known == bit)?.1));
    name.map_or_else(|| format!("{bit:#010x}"), str::to_owned)
}

/// Returns the names of the flags that are set, lowest bit first.
pub(crate) fn names(flags: u32) -> impl Iterator<Item = String> {
    bits().filter(move |bit| flags & bit != 0).map(name)
}

/// Returns each of the 32 bits, lowest first.
pub(crate) fn bits() -> impl Iterator<Item = u32> {
    (0..u32::BITS).map(|place| 1 << place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_mits_is_known() {
        let set = |bits| Change { bits, on: true };
        let cleared = |bits| Change { bits, on: false };
        for (text, expected) in [
            ("+preauth", set(0x80)),
            ("TGT-based", cleared(0x4)),
            ("-disallow_all_tix", cleared(DISALLOW_ALL_TIX)),
            ("+disallow-svr", set(0x1000)),
            ("-ok-to-auth-as-delegate", cleared(0x20_0000)),
            ("+support_desmd5", set(0x4000)),
            ("-md5", cleared(0x4000)),
            ("+0xffffffff", set(u32::MAX)),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
        for text in ["+preath", "+0xy", "0x100000000"] {
            let refused = parse(text).expect_err("no flag");
            assert!(refused.contains(&text[1..]), "{refused}");
        }
    }

    #[test]
    fn a_bit_without_a_name_prints_as_a_number() {
        let printed: Vec<String> = names(0x4C0).collect();
        assert_eq!(
            printed,
            ["DISALLOW_ALL_TIX", "REQUIRES_PRE_AUTH", "0x00000400"]
        );
    }
}
