//! Errors in the tables of kerbox.toml for other realms and for keys.

use kerbox_testing::Place;

/// Each file is refused with all of these texts.
const BAD: [(&str, &[&str]); 27] = [
    (
        "[[trust]]\npassword = \"x\"\n",
        &[
            "bad.toml:1:",
            "it needs a realm, as in realm = \"CORP.TEST\"",
        ],
    ),
    (
        "[[trust]]\nrealm = \"B\"\n",
        &[
            "bad.toml:1:",
            "it needs a password, keys or import that the KDC of \"B\" has too",
        ],
    ),
    (
        "[[trust]]\nrealm = \"EXAMPLE.COM\"\npassword = \"x\"\n",
        &["bad.toml:1:", "a realm needs no trust in itself"],
    ),
    (
        "[[trust]]\nrealm = \"B\"\npassword = \"x\"\n\n[[trust]]\nrealm = \"B\"\ndirection = \"in\"\npassword = \"y\"\n",
        &["bad.toml:5:", "\"B\" in this direction stands here twice"],
    ),
    (
        "[[trust]]\nrealm = \"B\"\npassword = \"x\"\ndirection = \"inbound\"\n",
        &[
            "bad.toml:4:",
            "[[trust]] direction",
            "write \"both\", \"in\"",
        ],
    ),
    (
        "[[trust]]\nrealm = \"B\"\npasword = \"x\"\n",
        &["bad.toml:3:", "did you mean \"password\"?"],
    ),
    (
        "[[trust]]\nrealm = \"B\"\npassword = \"x\"\nkdc = \"h:88\"\n",
        &["bad.toml:4:", "is not a list"],
    ),
    (
        "[[trust]]\nrealm = \"B\"\npassword = \"x\"\nkdc = [\"a b\"]\n",
        &["bad.toml:4:", "\"a b\" is not where a KDC listens"],
    ),
    (
        "[[trust]]\nrealm = \"B\"\nkvno = 2\nimport = \"gone.keytab\"\n",
        &[
            "bad.toml:1:",
            "leave out kvno, or import",
            "bad.toml:4:",
            "gone.keytab cannot be read",
        ],
    ),
    (
        "[[further_realm]]\nname = \"B\"\n[[trust]]\nrealm = \"B\"\nkdc = [\"h:88\"]\n",
        &["bad.toml:3:", "leave out kdc"],
    ),
    (
        "[[further_realm]]\nmax_life = \"1h\"\n",
        &[
            "bad.toml:1:",
            "it needs a name, as in name = \"OTHER.TEST\"",
        ],
    ),
    (
        "[[further_realm]]\nname = \"EXAMPLE.COM\"\n",
        &["bad.toml:1:", "the realm \"EXAMPLE.COM\" is here already"],
    ),
    (
        "[[further_realm]]\nname = \"B\"\nmax_life = \"0s\"\nenctypes = []\n",
        &["bad.toml:1:", "max_life is zero", "enctypes is empty"],
    ),
    (
        "[[further_realms]]\nname = \"B\"\n",
        &["bad.toml:1:", "did you mean \"further_realm\"?"],
    ),
    (
        "[[principal]]\nname = \"carol@B.TEST\"\n",
        &[
            "bad.toml:1:",
            "\"B.TEST\" is not served here",
            "[[further_realm]]",
        ],
    ),
    (
        "[capaths]\nA.TEST = { \"C.TEST\" = [\".\"] }\n",
        &[
            "bad.toml:2:",
            "[capaths] A",
            "put a name with dots in quotes",
        ],
    ),
    (
        "[capaths]\n\"A.TEST\" = \"B.TEST\"\n",
        &["bad.toml:2:", "[capaths] A.TEST", "is not a table"],
    ),
    (
        "[capaths]\n\"A.TEST\" = { \"C.TEST\" = [\"B TEST\"] }\n",
        &["bad.toml:2:", "\"B TEST\" is not a realm's name"],
    ),
    (
        "[domain_realm]\n\".b.test\" = \"B TEST\"\n",
        &[
            "bad.toml:2:",
            "[domain_realm] .b.test",
            "\"B TEST\" is not a realm's name",
        ],
    ),
    (
        "[[principal]]\nname = \"a\"\npassword = \"x\"\nkeys = [{ enctype = \"aes128-cts\", key = \"000102030405060708090a0b0c0d0e0f\" }]\n",
        &["bad.toml:1:", "leave out password, or keys"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeys = [{ key = \"00\" }]\n",
        &["bad.toml:3:", "it needs enctype"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeys = [{ enctype = \"aes128-cts\" }]\n",
        &["bad.toml:3:", "it needs key"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeys = [{ enctype = \"aes128-cts\", key = \"00\" }]\n",
        &[
            "bad.toml:3:",
            "it has 1 bytes, and a key of aes128-cts-hmac-sha1-96 has 16",
        ],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeys = [{ enctype = \"aes128-cts\", key = \"xyz\" }]\n",
        &["bad.toml:3:", "it is not hexadecimal"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeys = []\n",
        &["bad.toml:1:", "keys is empty"],
    ),
    (
        "[[principal]]\nname = \"a\"\nkeys = [{ enctype = \"aes128-cts\", kvno = 0, key = \"000102030405060708090a0b0c0d0e0f\" }]\n",
        &["bad.toml:3:", "0 is not a whole number from 1 upward"],
    ),
    (
        "[[principal]]\nname = \"a\"\nimport = \"bad.toml\"\n",
        &["bad.toml:3:", "bad.toml cannot be read as a keytab"],
    ),
];

#[test]
fn every_mistake_is_told_at_its_line() {
    for (text, said) in BAD {
        let place = Place::new();
        let file = place.file("bad.toml", text);
        place.run(&["config", "check", &file]).refused(3, said);
    }
}

#[test]
fn a_keytab_without_the_principal_is_told_with_those_it_has() {
    let place = Place::new();
    let mut keytab = kerbox_krb5::Keytab::default();
    let key = kerbox_krb5::EncryptionKey::new(
        kerbox_krb5::EncryptionType::AES128_CTS_HMAC_SHA1_96,
        &[7; 16],
    );
    keytab.push(kerbox_krb5::KeytabEntry::new(
        kerbox_krb5::Principal::new("EXAMPLE.COM", ["bob"]),
        3,
        key.expect("16 bytes"),
        kerbox_krb5::Timestamp::from_secs(0),
    ));
    std::fs::write(place.path().join("bob.keytab"), keytab.to_bytes()).expect("ours");
    let file = place.file(
        "kerbox.toml",
        "[[principal]]\nname = \"carol\"\nimport = \"bob.keytab\"\n",
    );
    let said = [
        "kerbox.toml:3:",
        "has no key of carol@EXAMPLE.COM",
        "bob@EXAMPLE.COM",
    ];
    place.run(&["config", "check", &file]).refused(3, &said);
    let file = place.file(
        "kerbox.toml",
        "[[principal]]\nname = \"bob\"\nimport = \"bob.keytab\"\n",
    );
    let shown = place.run(&["config", "show", "--config", &file]);
    let expected = format!("import = \"{}", place.path().display());
    assert!(shown.succeeded().contains(&expected), "{shown:#?}");
}
