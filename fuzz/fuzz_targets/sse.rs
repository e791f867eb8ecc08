//! However a stream is cut into chunks, the same events come out of it.
#![no_main]

use ccflare_core::sse::{Scanner, Sink};
use libfuzzer_sys::fuzz_target;

#[derive(Default, PartialEq, Debug)]
struct Events(Vec<(Vec<u8>, Vec<u8>)>);

impl Sink for Events {
    fn wants(&mut self, event: &[u8]) -> bool {
        event.first() != Some(&b'x')
    }

    fn event(&mut self, event: &[u8], data: &[u8]) {
        self.0.push((event.to_vec(), data.to_vec()));
    }
}

fuzz_target!(|input: (Vec<u8>, &[u8])| {
    let (cuts, stream) = input;
    let mut whole = Events::default();
    Scanner::default().feed(stream, &mut whole);

    let (mut scanner, mut pieces, mut rest) = (Scanner::default(), Events::default(), stream);
    for cut in cuts {
        let (piece, after) = rest.split_at(usize::from(cut).min(rest.len()));
        scanner.feed(piece, &mut pieces);
        rest = after;
    }
    scanner.feed(rest, &mut pieces);
    assert_eq!(whole, pieces);
});
