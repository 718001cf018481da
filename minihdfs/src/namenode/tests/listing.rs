use super::*;
use crate::namenode::state::name::Name;

fn page(session: &Session<'_>, start_after: &str, need_location: bool) -> DirectoryListingProto {
    let request = GetListingRequestProto {
        src: "/d".to_owned(),
        start_after: start_after.as_bytes().to_vec().into(),
        need_location,
    };
    let response = session
        .call::<GetListingResponseProto>("getListing", &request)
        .expect("listed");
    response.dir_list.expect("it exists")
}

#[test]
fn a_long_listing_comes_in_pages_in_the_order_of_names() {
    let fixture = Fixture::with(&[("dfs.ls.limit", "3")]);
    let hdfs = fixture.hdfs();
    let mut names: Vec<String> = ["b", "a", "Z", "ä", "a.", "a-", "10", "9"]
        .map(str::to_owned)
        .to_vec();
    for name in &names {
        hdfs.mkdirs(&format!("/d/{name}"), 0o755).expect("made");
    }
    names.sort_by(|a, b| Name(a).cmp(&Name(b)));
    let (mut listed, mut after, mut remaining) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = page(&hdfs, &after, false);
        listed.extend(
            page.partial_listing
                .iter()
                .map(|entry| String::from_utf8(entry.path.to_vec()).expect("UTF-8")),
        );
        remaining.push(page.remaining_entries);
        if page.remaining_entries == 0 {
            break;
        }
        after.clone_from(listed.last().expect("a page"));
    }
    assert_eq!(listed, names);
    assert_eq!(remaining, [5, 2, 0]);
    assert_eq!(
        page(&hdfs, "", false).partial_listing[0].path,
        "ä".as_bytes()
    );
}

#[test]
fn a_page_goes_on_after_a_name_that_is_gone_or_a_number() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    for name in ["a", "c"] {
        hdfs.mkdirs(&format!("/d/{name}"), 0o755).expect("made");
    }
    assert_eq!(page(&hdfs, "b", false).partial_listing.len(), 1);
    let id = hdfs.stat("/d/a").file_id.expect("a number");
    assert_eq!(
        page(&hdfs, &format!("/.reserved/.inodes/{id}"), false)
            .partial_listing
            .len(),
        1
    );
    let request = GetListingRequestProto {
        src: "/d".to_owned(),
        start_after: b"/.reserved/.inodes/1".to_vec().into(),
        need_location: false,
    };
    let error = hdfs
        .call::<GetListingResponseProto>("getListing", &request)
        .expect_err("no such number");
    assert!(
        error
            .class()
            .ends_with("DirectoryListingStartAfterNotFoundException")
    );
}

#[test]
fn a_file_lists_as_itself_and_nothing_as_nothing() {
    let fixture = Fixture::new();
    let hdfs = fixture.hdfs();
    hdfs.write("/f", &[]);
    assert_eq!(hdfs.list("/f").expect("listed"), [""]);
    let request = GetListingRequestProto {
        src: "/missing".to_owned(),
        ..GetListingRequestProto::default()
    };
    assert!(
        hdfs.call::<GetListingResponseProto>("getListing", &request)
            .expect("no error")
            .dir_list
            .is_none()
    );
}

#[test]
fn a_listing_with_locations_ends_early() {
    let fixture = Fixture::with(&[("dfs.ls.limit", "2")]).with_datanodes(1);
    let hdfs = fixture.hdfs();
    hdfs.write("/d/big", &[1024, 1024, 1024]);
    hdfs.write("/d/small", &[1]);
    let listing = page(&hdfs, "", true);
    assert_eq!(
        (listing.partial_listing.len(), listing.remaining_entries),
        (1, 1)
    );
    let blocks = &listing.partial_listing[0]
        .locations
        .as_ref()
        .expect("asked for")
        .blocks;
    assert_eq!(
        blocks.iter().map(|block| block.offset).collect::<Vec<_>>(),
        [0, 1024, 2048]
    );
}

#[test]
fn a_batched_listing_goes_through_all_paths() {
    let fixture = Fixture::with(&[("dfs.ls.limit", "2")]);
    let hdfs = fixture.hdfs();
    for path in ["/d/a", "/d/b", "/d/c", "/e/x"] {
        hdfs.mkdirs(path, 0o755).expect("made");
    }
    let mut request = GetBatchedListingRequestProto {
        paths: ["/d", "/missing", "/e"].map(str::to_owned).to_vec(),
        ..GetBatchedListingRequestProto::default()
    };
    let (mut listed, mut missing) = (Vec::new(), 0);
    loop {
        let response = hdfs
            .call::<GetBatchedListingResponseProto>("getBatchedListing", &request)
            .expect("listed");
        for listing in response.listings {
            missing += usize::from(listing.exception.is_some());
            listed.extend(
                listing
                    .partial_listing
                    .into_iter()
                    .map(|entry| (listing.parent_idx, entry.path)),
            );
        }
        if !response.has_more {
            break;
        }
        request.start_after = response.start_after;
    }
    let expected = [(0, "a"), (0, "b"), (0, "c"), (2, "x")]
        .map(|(index, name)| (index, name.as_bytes().to_vec().into()));
    assert_eq!((listed, missing), (expected.to_vec(), 1));
}
