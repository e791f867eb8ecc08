# The recipes people and CI share. `just` alone lists them.

set shell := ["bash", "-euo", "pipefail", "-c"]

_list:
    @just --list --unsorted

# Serve on 127.0.0.1:8080 with the embedded store.
serve *args:
    cargo run --release -p ccflare-cli -- serve {{ args }}

# A scripted upstream to play with: `just mock --listen 127.0.0.1:9999 --deltas 20 --pace-ms 50`.
mock *args:
    cargo run --release -p ccflare-mock -- {{ args }}

# Mock, server and traffic in one process; prints the address to look at.
demo:
    cargo run -p ccflare-examples --example demo

# Everything CI checks.
ci: fmt clippy doc test alone otlp examples sdk schemathesis observability browser deny

fmt:
    cargo fmt --all --check

clippy:
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo clippy -p ccflare-browser-tests --test browser --locked -- -D warnings

# Broken links in the documentation are errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The README's own command.
test:
    cargo test --workspace --locked

# The library without its default store and with every feature; the command without a server, and with a collector.
alone:
    cargo check -p ccflare-core --no-default-features --locked
    cargo check -p ccflare-core --all-features --locked
    cargo check -p ccflare-cli --no-default-features --locked
    cargo check -p ccflare-cli --features otlp --locked

# What is sent to an OpenTelemetry collector, with the feature that sends it.
otlp:
    cargo test -p ccflare-tests --features otlp --test it --locked -- otlp

# Each example runs against the mock and has to end well.
examples:
    for example in embed_axum embed_hyper balancer_only interceptor_only custom_strategy custom_store demo; do \
        echo "== $example"; \
        cargo run -q --locked -p ccflare-examples --example "$example"; \
    done
    cargo run -q --locked -p ccflare-examples --example crash -- 3
    cargo run -q --locked -p ccflare-examples --example refresh_crash -- 2

# The official Python SDK, through the server, to the mock.
sdk:
    tests/sdk/run

# The server against its own description of the API.
schemathesis:
    tests/schemathesis/run

# The alert rules and the scrape configuration, as Prometheus reads them.
observability:
    promtool check rules docs/observability/alerts.yml
    python3 -m json.tool docs/observability/grafana.json >/dev/null

# The dashboard in a real browser. Wants chromium, its driver and npm.
browser *args:
    tests/browser/run {{ args }}

# Pictures of the dashboard, into docs/screenshots.
screenshots:
    tests/browser/screenshots --keep

# Strategies compared over a made-up day; fails if `conversation` does not keep its promises.
placement:
    cargo run --release -p ccflare-examples --example placement

# Licences, sources and duplicate crates, where cargo-deny is installed (`cargo install --locked cargo-deny`).
deny:
    if command -v cargo-deny >/dev/null; then cargo fetch --quiet --locked; cargo deny --offline check licenses bans sources; else echo "cargo-deny is not installed: skipped"; fi

# Processes against processes: ratios to a bare hyper proxy.
bench:
    cargo bench -p ccflare-server --bench proxy

# The dashboard's pages over a million requests: time on the server, and bytes over the wire.
bench-pages:
    cargo bench -p ccflare-server --bench pages -- --requests 1000000

# The hot parts alone, with allocation counts.
bench-core:
    cargo bench -p ccflare-core

# kill -9 under load, twenty times, then the books are compared.
crash:
    cargo run --profile fastrel -p ccflare-examples --example crash

# The price table, made anew from genai-prices (see the script).
prices:
    python3 ccflare-core/src/pricing/convert.py

# Ten minutes of odd input for one target: sse, meter, facts, verdict, config, redact. Wants a nightly compiler and cargo-fuzz.
fuzz target seconds="600":
    mkdir -p fuzz/corpus/{{ target }}
    cargo +nightly fuzz run {{ target }} fuzz/corpus/{{ target }} fuzz/seeds/{{ target }} -- -max_total_time={{ seconds }}
