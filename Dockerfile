# The server as an image without a shell, run by a user without rights. The web pages are committed
# ready-made, so building needs Rust's crates and nothing else from outside.
FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin linnet \
    && install -D target/release/linnet /image/linnet \
    && install -d -m 0750 /image/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /image/linnet /usr/local/bin/linnet
COPY --from=build --chown=nonroot:nonroot /image/data /var/lib/linnet
ENV LINNET_LISTEN=0.0.0.0:8000 \
    LINNET_DATABASE_URL=sqlite:///var/lib/linnet/linnet.db \
    LINNET_LOG_FORMAT=json
VOLUME /var/lib/linnet
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s CMD ["/usr/local/bin/linnet", "health"]
ENTRYPOINT ["/usr/local/bin/linnet"]
CMD ["serve"]
