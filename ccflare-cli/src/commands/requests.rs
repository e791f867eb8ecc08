//! `ccflare requests`.

use anyhow::Result;
use ccflare_core::control::{Control, views::RequestPageQuery};

use crate::{
    args::{Output, Requests},
    print,
};

pub(super) async fn run(wanted: Requests, control: &dyn Control, output: Output) -> Result<()> {
    match wanted.id {
        Some(id) if wanted.payload => print::payload(&control.payload(&id).await?, output),
        Some(id) => print::request(&control.request(&id).await?, output),
        None => {
            let query = RequestPageQuery { before: wanted.before, ..RequestPageQuery::newest(wanted.limit) };
            print::requests(&control.requests(query).await?, output)
        }
    }
}
