//! Operations that move data: the NameNode chooses a DataNode and sends the client there.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, utf8_percent_encode};

use super::get::{blocks_at, issue_token};
use super::operation::Operation;
use crate::HdfsError;
use crate::proto::hdfs::DatanodeIdProto;
use crate::user::User;
use crate::web::request::{PREFIX, Scheme};
use crate::web::response::{self, IN_PATH, WebResponse};

/// The characters of a parameter's value that are encoded.
const IN_VALUE: &AsciiSet = &IN_PATH.remove(b'*').add(b'=');

/// The place where a client goes on.
struct Target {
    host: String,
    port: u32,
}

impl Target {
    /// Returns the place of what HttpFS carries out itself.
    fn here() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 0,
        }
    }
}

impl Operation<'_> {
    /// Returns the port of a DataNode for the scheme by which the request arrived.
    fn target(&self, node: &DatanodeIdProto) -> Target {
        Target {
            host: node.host_name.clone(),
            port: match self.scheme {
                Scheme::Http => node.info_port,
                Scheme::Https => node.info_secure_port(),
            },
        }
    }

    pub(super) fn open(&self) -> Result<WebResponse, HdfsError> {
        let offset = self.query.long("offset", 0)?.unwrap_or(0);
        let length = self.query.long("length", 0)?;
        if self.is_of_httpfs()
            && let Some(answer) = self.before_reading(offset, length)?
        {
            return Ok(answer);
        }
        let target = self.holder(Some(offset))?;
        let mut parameters = vec![("offset", offset.to_string())];
        if let Some(length) = length {
            parameters.push(("length", length.to_string()));
        }
        self.pass_on(&mut parameters, &["buffersize"]);
        self.redirect("OPEN", &target, parameters)
    }

    pub(super) fn file_checksum(&self) -> Result<WebResponse, HdfsError> {
        if self.is_of_httpfs() {
            blocks_at(self, 0, 1)?;
        }
        let target = self.holder(None)?;
        self.redirect("GETFILECHECKSUM", &target, Vec::new())
    }

    pub(super) fn append(&self) -> Result<WebResponse, HdfsError> {
        let target = self.holder(None)?;
        let mut parameters = Vec::new();
        self.pass_on(&mut parameters, &["buffersize"]);
        self.redirect("APPEND", &target, parameters)
    }

    pub(super) fn create(&self) -> Result<WebResponse, HdfsError> {
        let query = self.query;
        let overwrite = query.boolean("overwrite")?.unwrap_or(false);
        let create_parent = query.boolean("createparent")?.unwrap_or(true);
        for name in ["permission", "unmaskedpermission"] {
            query.permission(name)?;
        }
        query.short("replication")?;
        let block_size = query.long("blocksize", 1)?;
        let default = self.parts.namenode.config().block_size;
        let block_size = block_size.map_or(default, i64::cast_unsigned);
        let target = self.any_datanode(block_size)?;
        let flags = query.get("createflag").unwrap_or_default();
        let mut parameters = vec![
            ("createflag", flags.to_owned()),
            ("createparent", create_parent.to_string()),
            ("overwrite", overwrite.to_string()),
        ];
        let optional = [
            "blocksize",
            "buffersize",
            "ecpolicy",
            "permission",
            "replication",
            "storagepolicy",
            "unmaskedpermission",
        ];
        self.pass_on(&mut parameters, &optional);
        self.redirect("CREATE", &target, parameters)
    }

    /// Adds the parameters of these names that the request has.
    fn pass_on(&self, parameters: &mut Vec<(&'static str, String)>, names: &[&'static str]) {
        let given = names.iter().filter_map(|name| {
            let value = self.query.get(name).filter(|value| !value.is_empty())?;
            Some((*name, value.to_owned()))
        });
        parameters.extend(given);
    }

    /// Chooses a DataNode that has the block at `offset`, or the last block.
    fn holder(&self, offset: Option<i64>) -> Result<Target, HdfsError> {
        if self.is_of_httpfs() {
            return Ok(Target::here());
        }
        let status = self
            .status()?
            .ok_or_else(|| HdfsError::file_not_found(format!("File {} not found.", self.path)))?;
        let length = status.length.cast_signed();
        if let Some(offset) = offset.filter(|offset| *offset >= length && length > 0) {
            return Err(HdfsError::io(format!(
                "Offset={offset} out of the range [0, {length}); OPEN, path={}",
                self.path
            )));
        }
        if length > 0 {
            let at = offset.unwrap_or(length - 1);
            let blocks = blocks_at(self, at, 1)?;
            let excluded = self.excluded();
            if let Some(block) = blocks.blocks.first() {
                let mut nodes = block.locs.iter().map(|node| &node.id);
                let best = nodes.find(|node| !is_excluded(&excluded, node));
                return best
                    .map(|node| self.target(node))
                    .ok_or_else(|| HdfsError::io("No active nodes contain this block"));
            }
        }
        self.any_datanode(0)
    }

    /// Chooses a DataNode with room for a block.
    fn any_datanode(&self, block_size: u64) -> Result<Target, HdfsError> {
        if self.is_of_httpfs() {
            return Ok(Target::here());
        }
        let excluded = self.excluded();
        let namenode = &self.parts.namenode;
        let chosen = namenode.choose_for_web(self.now, self.caller.address, block_size, |node| {
            is_excluded(&excluded, node)
        });
        let target = chosen.as_ref().map(|node| self.target(node));
        target.ok_or_else(|| {
            let names = self.query.get("excludedatanodes").unwrap_or_default();
            HdfsError::io(format!(
                "Failed to find datanode, suggest to check cluster health. excludeDatanodes={names}"
            ))
        })
    }

    fn excluded(&self) -> Vec<&str> {
        let names = self.query.get("excludedatanodes").unwrap_or_default();
        let names = names.split(',').map(str::trim);
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Returns the response that sends the client to a DataNode.
    fn redirect(
        &self,
        op: &str,
        target: &Target,
        mut parameters: Vec<(&'static str, String)>,
    ) -> Result<WebResponse, HdfsError> {
        let mut location = format!(
            "{}://{}:{}{PREFIX}{}?op={op}",
            self.scheme.name(),
            target.host,
            target.port,
            utf8_percent_encode(self.path, IN_PATH)
        );
        parameters.sort_unstable();
        let identity = self.identity()?;
        let address = ("namenoderpcaddress", self.parts.rpc_address.clone());
        for (name, value) in identity.into_iter().chain([address]).chain(parameters) {
            let value = utf8_percent_encode(&value, IN_VALUE);
            // Writing to a String cannot fail.
            let _ = write!(location, "&{name}={value}");
        }
        let noredirect = self.query.boolean("noredirect")?.unwrap_or(false);
        Ok(response::redirection(&location, noredirect))
    }

    /// Returns the parameters by which the DataNode learns whom it serves: a token, or without
    /// security the names in the request.
    fn identity(&self) -> Result<Vec<(&'static str, String)>, HdfsError> {
        if !self.parts.users.auth.is_secure() {
            if self.is_of_httpfs() {
                return Ok(self.names());
            }
            let names = ["doas", "user.name"].into_iter();
            let given = names.filter_map(|name| {
                let value = self.query.get_in_any_case(name)?;
                (!value.is_empty()).then(|| (name, value.to_owned()))
            });
            return Ok(given.collect());
        }
        // HttpFS has tokens of its own, which the NameNode does not know.
        let given = self.query.get_in_any_case("delegation");
        let given = given.filter(|token| !token.is_empty() && !self.is_of_httpfs());
        let token = match given {
            Some(token) => token.to_owned(),
            None => issue_token(self, None)?
                .map(|token| token.to_url_string())
                .unwrap_or_default(),
        };
        Ok(vec![("delegation", token)])
    }
}

impl Operation<'_> {
    /// Returns the parameters that name the caller.
    fn names(&self) -> Vec<(&'static str, String)> {
        let name = |user: &User| user.short.to_string();
        let user = &self.caller.user;
        match &self.caller.real_user {
            Some(real) => vec![("doas", name(user)), ("user.name", name(real))],
            None => vec![("user.name", name(user))],
        }
    }
}

/// Returns true if a list of `host` and `host:port` names a DataNode.
fn is_excluded(excluded: &[&str], node: &DatanodeIdProto) -> bool {
    excluded.iter().any(|name| {
        let (host, port) = match name.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (*name, None),
        };
        let is_host = host == node.host_name || host == node.ip_addr;
        let is_port = port.is_none_or(|port| port.parse() == Ok(node.xfer_port));
        is_host && is_port
    })
}
