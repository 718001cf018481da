//! The rows that are written, as a table that is made up while it is read.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};

pub const DAYS: i64 = 3;
const CHUNK: i64 = 1000;

pub fn value(id: i64) -> i64 {
    7919 * id + 13
}

/// Returns 64 hexadecimal digits that follow from the number and hardly compress (splitmix64).
fn text(id: i64) -> String {
    let digits = |n: u64| {
        let mut z = (id as u64 * 4 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", z ^ (z >> 31))
    };
    (0..4).map(digits).collect()
}

/// `has_text(id, text)` in SQL: whether a row has the text of its number.
pub fn has_text() -> ScalarUDF {
    let types = vec![DataType::Int64, DataType::Utf8];
    let fun = |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let (ids, texts) = (
            arrays[0].as_primitive::<Int64Type>(),
            arrays[1].as_string::<i32>(),
        );
        let right: BooleanArray = ids
            .iter()
            .zip(texts)
            .map(|(id, found)| Some(id.map(text).as_deref() == found))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(right)))
    };
    create_udf(
        "has_text",
        types,
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(fun),
    )
}

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("value", DataType::Int64, false),
        Field::new("text", DataType::Utf8, false),
        Field::new("day", DataType::Int32, false),
    ]))
}

/// The rows `first..end`. With `pause` the second half never comes.
#[derive(Debug)]
pub struct Rows {
    pub schema: SchemaRef,
    pub first: i64,
    pub end: i64,
    pub pause: bool,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, end) = (self.schema.clone(), self.end);
        let half = if self.pause {
            (self.first + end) / 2
        } else {
            end
        };
        let chunks = stream::iter((self.first..end).step_by(CHUNK as usize)).then(move |first| {
            let schema = schema.clone();
            async move {
                if first >= half {
                    println!("paused");
                    futures::future::pending::<()>().await;
                }
                chunk(schema, first..(first + CHUNK).min(end))
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), chunks))
    }
}

fn chunk(schema: SchemaRef, ids: std::ops::Range<i64>) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(ids.clone())),
        Arc::new(Int64Array::from_iter_values(ids.clone().map(value))),
        Arc::new(StringArray::from_iter_values(ids.clone().map(text))),
        Arc::new(Int32Array::from_iter_values(
            ids.map(|id| (id % DAYS) as i32),
        )),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
