//! Reads encoded bodies while they pass encoded. Clients offer gzip, deflate, br and zstd, and the API takes them up.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header::CONTENT_ENCODING};

/// So much is decoded at a time: what comes out of it is handed on before more goes in.
const PIECE: usize = 4 * 1024;

/// What a piece may give: twice what gzip can put into one. Brotli and zstd put gigabytes into one, of nothing but a bomb.
const MOST: usize = 8 * 1024 * 1024;

/// How a body is encoded.
pub(super) enum Decoder {
    /// Not at all.
    Identity,
    Gzip(Box<MultiGzDecoder<Decoded>>),
    Deflate(Box<ZlibDecoder<Decoded>>),
    Brotli(Box<brotli_decompressor::DecompressorWriter<Decoded>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Decoded>>),
}

/// What came out of a piece.
#[derive(Default)]
pub(super) struct Decoded(Vec<u8>);

impl Write for Decoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST {
            return Err(io::Error::other("a body unpacks to more than any that is meant to be read"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// The decoder for a body with these headers; `None` for an encoding that is not known, or several.
    pub(super) fn new(headers: &HeaderMap) -> Option<Self> {
        let Some(encoding) = headers.get(CONTENT_ENCODING) else { return Some(Self::Identity) };
        Some(match encoding.as_bytes() {
            b"identity" | b"" => Self::Identity,
            b"gzip" | b"x-gzip" => Self::Gzip(Box::new(MultiGzDecoder::new(Decoded::default()))),
            b"deflate" => Self::Deflate(Box::new(ZlibDecoder::new(Decoded::default()))),
            b"br" => Self::Brotli(Box::new(brotli_decompressor::DecompressorWriter::new(Decoded::default(), PIECE))),
            b"zstd" => Self::Zstd(Box::new(zstd::stream::write::Decoder::new(Decoded::default()).ok()?)),
            _ => return None,
        })
    }

    /// Whether bytes are what they seem.
    pub(super) const fn is_identity(&self) -> bool {
        matches!(self, Self::Identity)
    }

    /// Decodes one more frame and hands on what comes out, piece by piece.
    ///
    /// # Errors
    /// If the body is not encoded as its headers say, or is a bomb; what came out until then is handed on.
    pub(super) fn feed(&mut self, frame: &[u8], mut take: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Identity => take(frame),
            Self::Gzip(decoder) => pump(&mut **decoder, frame, MultiGzDecoder::get_mut, take)?,
            Self::Deflate(decoder) => pump(&mut **decoder, frame, ZlibDecoder::get_mut, take)?,
            Self::Brotli(decoder) => {
                pump(&mut **decoder, frame, brotli_decompressor::DecompressorWriter::get_mut, take)?;
            }
            Self::Zstd(decoder) => pump(&mut **decoder, frame, zstd::stream::write::Decoder::get_mut, take)?,
        }
        Ok(())
    }
}

fn pump<D: Write>(
    decoder: &mut D,
    frame: &[u8],
    decoded: impl Fn(&mut D) -> &mut Decoded,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    for piece in frame.chunks(PIECE) {
        let written = decoder.write_all(piece).and_then(|()| decoder.flush());
        let Decoded(out) = decoded(decoder);
        take(out);
        out.clear();
        written?;
    }
    Ok(())
}

/// The beginning of a body that is at hand, decoded, up to `limit` bytes. What can't be decoded is left out.
pub fn whole(headers: &HeaderMap, body: Bytes, limit: usize) -> Bytes {
    match Decoder::new(headers) {
        Some(Decoder::Identity) => body,
        Some(mut decoder) => {
            let mut decoded = Vec::new();
            let keep = |piece: &[u8]| {
                let room = limit - decoded.len();
                decoded.extend_from_slice(&piece[..piece.len().min(room)]);
            };
            // Cut short or damaged: what came out until then is what there is to judge.
            let _ = decoder.feed(&body, keep);
            decoded.into()
        }
        None => Bytes::new(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(encoding))])
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn each_encoding_is_read_in_any_frames() {
        let text = "the quick brown fox ".repeat(1000);
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(text.as_bytes()).expect("in memory");
        let cases = [
            ("identity", text.clone().into_bytes()),
            ("gzip", gzip(text.as_bytes())),
            ("deflate", zlib.finish().expect("in memory")),
            ("zstd", zstd::encode_all(text.as_bytes(), 1).expect("in memory")),
        ];
        for (encoding, encoded) in cases {
            for size in [1, 100, encoded.len()] {
                let mut decoder = Decoder::new(&headers(encoding)).expect("known");
                let mut decoded = Vec::new();
                for frame in encoded.chunks(size) {
                    decoder.feed(frame, |piece| decoded.extend_from_slice(piece)).expect("well encoded");
                }
                assert_eq!(decoded, text.as_bytes(), "{encoding} in frames of {size}");
            }
        }
    }

    #[test]
    fn brotli_is_read() {
        // "the quick brown fox " as brotli's command line writes it, uncompressed meta-block.
        let encoded = [b"\x8b\x09\x80".as_slice(), b"the quick brown fox ", b"\x03"].concat();
        let mut decoder = Decoder::new(&headers("br")).expect("known");
        let mut decoded = Vec::new();
        decoder.feed(&encoded, |piece| decoded.extend_from_slice(piece)).expect("well encoded");
        assert_eq!(decoded, b"the quick brown fox ");
    }

    #[test]
    fn an_unknown_encoding_is_not_guessed_at() {
        assert!(Decoder::new(&headers("gzip, br")).is_none());
        assert!(whole(&headers("rot13"), Bytes::from_static(b"x"), 10).is_empty());
    }

    #[test]
    fn a_bomb_is_read_up_to_the_limit() {
        let bomb = gzip(&vec![b'x'; 50_000_000]);
        assert_eq!(whole(&headers("gzip"), bomb.into(), 1000).len(), 1000);
    }

    #[test]
    fn a_piece_that_gives_more_than_any_text_could_ends_the_reading() {
        let bomb = zstd::encode_all(&*vec![0; 100_000_000], 1).expect("in memory");
        let mut decoder = Decoder::new(&headers("zstd")).expect("known");
        let mut most = 0;
        assert!(decoder.feed(&bomb, |piece| most = most.max(piece.len())).is_err());
        assert!((1..=MOST).contains(&most), "{most}");
    }
}
