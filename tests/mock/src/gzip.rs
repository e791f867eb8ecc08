//! Compression that keeps the cuts between writes.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Compresses one stream out of all writes, flushed after each, so that a client can decode write by write.
/// Without `finish` the trailer is missing, as it is when a stream is cut.
pub(crate) fn writes(plain: &[Bytes], finish: bool) -> std::io::Result<Vec<Bytes>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut packed = Vec::with_capacity(plain.len());
    for (index, write) in plain.iter().enumerate() {
        encoder.write_all(write)?;
        if finish && index + 1 == plain.len() {
            packed.push(Bytes::from(encoder.finish()?));
            return Ok(packed);
        }
        encoder.flush()?;
        packed.push(Bytes::from(std::mem::take(encoder.get_mut())));
    }
    Ok(packed)
}
