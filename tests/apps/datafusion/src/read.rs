//! Readers: one that looks while others write, and one that counts everything at the end.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::physical_plan::metrics::MetricValue;
use datafusion::physical_plan::{ExecutionPlan, collect};

use crate::rows::{DAYS, value};
use crate::{DISTANCE, Done, Lake, WRITERS};

impl Lake {
    /// Defines the tables anew, so that no list of files is remembered.
    async fn tables(&self) -> Result<()> {
        let url = &self.url;
        for statement in [
            "DROP TABLE IF EXISTS events".to_string(),
            "DROP TABLE IF EXISTS writers".to_string(),
            format!(
                "CREATE EXTERNAL TABLE events (id BIGINT, value BIGINT, text VARCHAR, \
                 batch VARCHAR, day INT) \
                 STORED AS PARQUET PARTITIONED BY (batch, day) LOCATION '{url}/lake/events/'"
            ),
            format!(
                "CREATE EXTERNAL TABLE writers STORED AS PARQUET LOCATION '{url}/lake/writers/'"
            ),
        ] {
            self.sql.sql(&statement).await?.collect().await?;
        }
        Ok(())
    }

    /// Returns the numbers of a query's rows.
    async fn numbers(&self, query: &str) -> Result<Vec<Vec<i64>>> {
        let mut rows = Vec::new();
        for batch in self.sql.sql(query).await?.collect().await? {
            let number = |column: &ArrayRef, row| column.as_primitive::<Int64Type>().value(row);
            let columns = batch.columns();
            let row = |row| columns.iter().map(|column| number(column, row)).collect();
            rows.extend((0..batch.num_rows()).map(row));
        }
        Ok(rows)
    }

    /// Looks until all batches are there. Each look must see whole batches, and none less than
    /// before.
    pub async fn watch(&self) -> Done {
        let mut looks = 0;
        let mut before = 0;
        while before < self.batches * WRITERS.len() as i64 {
            self.tables().await?;
            let query = format!(
                "SELECT count(*), coalesce(sum(CASE WHEN n <> {} THEN 1 ELSE 0 END), 0) \
                 FROM (SELECT batch, count(DISTINCT id) AS n FROM events GROUP BY batch)",
                self.rows
            );
            let seen = self.numbers(&query).await?.remove(0);
            if seen[1] > 0 || seen[0] < before {
                return Err(format!("batches {}, not whole {}", seen[0], seen[1]).into());
            }
            looks += 1;
            before = seen[0];
            println!("saw {before}");
        }
        println!("looks {looks}");
        Ok(())
    }

    pub async fn check(&self) -> Done {
        self.tables().await?;
        let found = self
            .numbers(
                "SELECT count(*), count(DISTINCT id), count(DISTINCT batch), sum(value), \
                 count(*) FILTER (WHERE NOT has_text(id, text)) FROM events",
            )
            .await?;
        let [rows, distinct, batches, sum, wrong] = found[0][..] else {
            return Err("five numbers were expected".into());
        };
        let writers = WRITERS.len() as i64;
        let expected = self.expected();
        let right = if sum == expected.iter().sum::<i64>() {
            "right"
        } else {
            "wrong"
        };
        println!("rows {rows} distinct {distinct} batches {batches} wrong {wrong} sum {right}");
        if rows != writers * self.batches * self.rows {
            let query = "SELECT batch, day, count(*) FROM events GROUP BY batch, day ORDER BY 1, 2";
            let counts = self.sql.sql(query).await?.collect().await?;
            println!("{}", pretty_format_batches(&counts)?);
        }
        self.join(&expected).await?;
        self.filter().await
    }

    /// Returns the sum of each writer's values.
    fn expected(&self) -> Vec<i64> {
        let count = self.batches * self.rows;
        let sum = |n: i64| {
            let (first, last) = (value(n * DISTANCE), value(n * DISTANCE + count - 1));
            (first + last) * count / 2
        };
        (0..WRITERS.len() as i64).map(sum).collect()
    }

    async fn join(&self, expected: &[i64]) -> Done {
        let query = format!(
            "SELECT w.number, count(*), sum(e.value * w.weight) FROM events e \
             JOIN writers w ON e.id / {DISTANCE} = w.number GROUP BY w.number ORDER BY w.number"
        );
        let count = self.batches * self.rows;
        let row = |(number, (sum, (_, weight)))| vec![number, count, sum * weight];
        let right: Vec<_> = (0..).zip(expected.iter().zip(WRITERS)).map(row).collect();
        let found = self.numbers(&query).await?;
        if found != right {
            return Err(format!("the join is {found:?} and not {right:?}").into());
        }
        println!("joined {}", found.len());
        Ok(())
    }

    /// Reads a few rows of one day: most files and row groups are not read for that.
    async fn filter(&self) -> Done {
        let first = DISTANCE + self.rows / 2;
        let query = format!(
            "SELECT id, text FROM events WHERE day = 1 AND id BETWEEN {first} AND {}",
            first + 29
        );
        let plan = self.sql.sql(&query).await?.create_physical_plan().await?;
        let batches = collect(plan.clone(), self.sql.task_ctx()).await?;
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        let files = self.client.list_status("/lake/events", true).await?;
        let all: usize = files
            .iter()
            .filter(|file| !file.isdir)
            .map(|file| file.length)
            .sum();
        let (scanned, pruned) = measured(&plan);
        println!(
            "filtered {rows} of {}: bytes {scanned} of {all}, groups pruned {pruned}",
            30 / DAYS
        );
        if rows as i64 != 30 / DAYS || scanned == 0 || scanned * 20 > all || pruned == 0 {
            return Err("filters were not pushed down".into());
        }
        Ok(())
    }
}

/// Returns the bytes that a plan has read, and the groups of rows that it did not need to read.
fn measured(plan: &Arc<dyn ExecutionPlan>) -> (usize, usize) {
    let mut sum = (0, 0);
    for metric in plan.metrics().iter().flat_map(|metrics| metrics.iter()) {
        match metric.value() {
            MetricValue::Count { name, count } if name == "bytes_scanned" => sum.0 += count.value(),
            MetricValue::PruningMetrics {
                name,
                pruning_metrics,
            } if name == "row_groups_pruned_statistics" => {
                sum.1 += pruning_metrics.pruned();
            }
            _ => (),
        }
    }
    for child in plan.children() {
        let (scanned, pruned) = measured(child);
        sum = (sum.0 + scanned, sum.1 + pruned);
    }
    sum
}
