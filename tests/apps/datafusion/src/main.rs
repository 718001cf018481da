//! Several writers of a table of Parquet files, and its readers, by SQL: lake COMMAND. The commands
//! are `make`, `write WRITER [pause]`, `watch` and `check`. NAMENODE is the address, and BATCHES
//! and ROWS are the sizes. A batch becomes visible as a whole: its directory moves to the table's.

mod read;
mod rows;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use datafusion::catalog::streaming::StreamingTable;
use datafusion::config::TableParquetOptions;
use datafusion::dataframe::DataFrameWriteOptions;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{SessionConfig, SessionContext};
use hdfs_native::{Client, ClientBuilder, HdfsError};
use hdfs_native_object_store::HdfsObjectStore;

pub type Done = Result<(), Box<dyn Error>>;

/// Writers are numbered, and so are their rows: from WRITER times this on.
pub const DISTANCE: i64 = 100_000_000;
pub const WRITERS: [(&str, i64); 3] = [("alice", 2), ("bob", 3), ("carol", 5)];

pub struct Lake {
    pub client: Client,
    pub sql: SessionContext,
    pub url: String,
    pub batches: i64,
    pub rows: i64,
}

/// Prints what the client complains about.
struct Warnings;

impl log::Log for Warnings {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        eprintln!("{} {}: {}", record.level(), record.target(), record.args());
    }
    fn flush(&self) {}
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Done {
    log::set_logger(&Warnings).map_err(|error| error.to_string())?;
    log::set_max_level(log::LevelFilter::Warn);
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let lake = Lake::open()?;
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make"] => lake.make().await,
        ["write", writer] => lake.write(writer, false).await,
        ["write", writer, "pause"] => lake.write(writer, true).await,
        ["watch"] => lake.watch().await,
        ["check"] => lake.check().await,
        _ => Err("usage: lake make | write WRITER [pause] | watch | check".into()),
    }
}

impl Lake {
    fn open() -> Result<Self, Box<dyn Error>> {
        let url = std::env::var("NAMENODE")?;
        let size = |name| -> Result<i64, Box<dyn Error>> { Ok(std::env::var(name)?.parse()?) };
        let client = ClientBuilder::new().with_url(&url).build()?;
        let mut config = SessionConfig::new().with_target_partitions(2);
        let parquet = &mut config.options_mut().execution.parquet;
        parquet.pushdown_filters = true;
        parquet.schema_force_view_types = false;
        parquet.metadata_size_hint = Some(8192); // else it reads the last 512 KiB of each file
        let sql = SessionContext::new_with_config(config);
        sql.register_udf(rows::has_text());
        let store = HdfsObjectStore::new(client.clone());
        sql.register_object_store(ObjectStoreUrl::parse(&url)?.as_ref(), Arc::new(store));
        Ok(Self {
            client,
            sql,
            url,
            batches: size("BATCHES")?,
            rows: size("ROWS")?,
        })
    }

    /// Writes the table of writers, with which that of events is joined.
    async fn make(&self) -> Done {
        let rows = (0..)
            .zip(WRITERS)
            .map(|(n, (name, weight))| format!("({n}, '{name}', {weight})"));
        let copy = format!(
            "COPY (SELECT column1 AS number, column2 AS name, column3 AS weight FROM (VALUES {})) \
             TO '{}/lake/writers/all.parquet'",
            rows.collect::<Vec<_>>().join(", "),
            self.url
        );
        self.sql.sql(&copy).await?.collect().await?;
        Ok(())
    }

    /// Writes all batches. With `pause` it stops in the middle of one.
    async fn write(&self, writer: &str, pause: bool) -> Done {
        let number = (0..).zip(WRITERS).find(|(_, (name, _))| *name == writer);
        let number: i64 = number.ok_or("no such writer")?.0;
        for batch in 0..self.batches {
            let name = format!("{writer}-{batch:04}");
            let first = number * DISTANCE + batch * self.rows;
            let mut attempts = 0;
            while let Err(error) = self
                .batch(&name, first, pause && batch == self.batches / 3)
                .await
            {
                attempts += 1;
                // What the NameNode refuses is final. But this client begins no block with a
                // DataNode that is lost, of which the NameNode learns only later.
                if attempts == 60 || format!("{error:?}").contains("RPCError") {
                    return Err(error);
                }
                println!("again {name} after {error:?}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            println!("acknowledged {name}");
        }
        Ok(())
    }

    /// Writes a batch unless it is there, and lets it become visible.
    async fn batch(&self, name: &str, first: i64, pause: bool) -> Done {
        let there = format!("/lake/events/batch={name}");
        match self.client.get_file_info(&there).await {
            Err(HdfsError::FileNotFound(_)) => (),
            found => return found.map(|_| ()).map_err(Into::into),
        }
        let staged = format!("/lake/staging/{name}");
        self.clear(&staged).await?;
        println!("writing {name}");
        self.stage(&staged, first, pause).await?;
        self.client.rename(&staged, &there, false).await?;
        Ok(())
    }

    /// Removes the files that a killed writer has left, and prints their numbers.
    async fn clear(&self, staged: &str) -> Done {
        let files = match self.client.list_status(staged, true).await {
            Err(HdfsError::FileNotFound(_)) => return Ok(()),
            files => files?,
        };
        let (mut whole, mut unfinished) = (0, 0);
        for file in files.iter().filter(|file| !file.isdir) {
            match file.path.ends_with(".parquet") {
                true => whole += 1,
                false => unfinished += 1,
            }
        }
        println!("left {staged}: files {whole} unfinished {unfinished}");
        self.client.delete(staged, true).await?;
        Ok(())
    }

    async fn stage(&self, staged: &str, first: i64, pause: bool) -> Done {
        let schema = rows::schema();
        let end = first + self.rows;
        let rows = rows::Rows {
            schema: schema.clone(),
            first,
            end,
            pause,
        };
        let table = StreamingTable::try_new(schema, vec![Arc::new(rows)])?;
        let mut parquet = TableParquetOptions::default();
        parquet.global.max_row_group_size = 2000;
        let options = DataFrameWriteOptions::new().with_partition_by(vec!["day".into()]);
        let frame = self.sql.read_table(Arc::new(table))?;
        frame
            .write_parquet(&format!("{}{staged}/", self.url), options, Some(parquet))
            .await?;
        Ok(())
    }
}
