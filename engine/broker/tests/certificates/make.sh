#!/usr/bin/env bash
# Makes the certificates of the tests anew. They guard nothing: their keys are public with this file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

make() { # NAME, then options of the key
    local name=$1
    shift
    openssl genpkey "$@" -out "$name.key"
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
    openssl x509 -req -in "$name.csr" -signkey "$name.key" -days 36500 -out "$name.crt"
    cat "$name.crt" "$name.key" >"$name.pem"
}

rsa=(-algorithm RSA -pkeyopt)
make app "${rsa[@]}" rsa_keygen_bits:2048
make other "${rsa[@]}" rsa_keygen_bits:2048
make short "${rsa[@]}" rsa_keygen_bits:1024
make curve -algorithm EC -pkeyopt ec_paramgen_curve:P-256

pfx() { openssl pkcs12 -export -inkey app.key -in app.crt -certfile other.crt -passout "$@"; }
pfx pass:pfx-password -out app-modern.pfx
pfx pass:pfx-password -legacy -out app-legacy.pfx

mkdir -p kept
mv app.pem app.crt app.key app-modern.pfx app-legacy.pfx other.crt short.pem curve.pem kept
rm -f ./*.key ./*.csr ./*.crt ./*.pem
mv kept/* .
rmdir kept
