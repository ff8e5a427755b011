#include "quell/quell.h"

static const char INPUT[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"sha256\"],\"properties\":{"
    "\"sha256\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\","
    "\"description\":\"The SHA-256 of the file.\"}},\"examples\":[{\"sha256\":"
    "\"0000000000000000000000000000000000000000000000000000000000000000\"}]}";

static const char OUTPUT[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"known\",\"malicious\",\"total\"],\"properties\":{"
    "\"known\":{\"type\":\"boolean\",\"description\":\"Whether the service knows the file.\"},"
    "\"malicious\":{\"type\":\"integer\",\"description\":\"Engines that call it malicious.\"},"
    "\"total\":{\"type\":\"integer\",\"description\":\"Engines that looked at it.\"}},"
    "\"examples\":[{\"known\":true,\"malicious\":3,\"total\":70}]}";

EXPORT("quell:plugin/actions@0.1.0#describe") const struct plugin_info *describe(void) {
    static const struct text codes[] = {TEXT("busy"), TEXT("down"), TEXT("garbled"),
                                        TEXT("refused")};
    static const struct action_info look_up = {
        .name = TEXT("look-up"),
        .title = TEXT("Look a file up"),
        .description = TEXT("Asks the service how many engines call the file malicious."),
        .input_schema = TEXT(INPUT),
        .output_schema = TEXT(OUTPUT),
        .effect = EFFECT_READ,
        .idempotency = REPEAT_NATURAL,
        .connection = {.there = true, .api = TEXT("service")},
        .error_codes = {codes, 4},
    };
    static const struct plugin_info plugin = {
        .title = TEXT("File reputation"),
        .config_schema = TEXT("{\"type\":\"object\",\"additionalProperties\":false}"),
        .actions = &look_up,
        .action_count = 1,
    };
    return &plugin;
}

static const struct answer *verdict(bool known, int64_t malicious, int64_t total) {
    struct draft json = {0};
    put(&json, known ? TEXT("{\"known\":true") : TEXT("{\"known\":false"));
    put(&json, TEXT(",\"malicious\":"));
    put_number(&json, malicious);
    put(&json, TEXT(",\"total\":"));
    put_number(&json, total);
    put_char(&json, '}');
    return done(written(&json));
}

EXPORT("quell:plugin/actions@0.1.0#run") const struct answer *run(const struct call *call) {
    struct text value, sha256;
    if (!json_member(call->input, TEXT("sha256"), &value) || !json_plain_string(value, &sha256))
        return permanent(FAIL_INVALID_INPUT, TEXT("input"), TEXT("the input has no sha256"));
    struct draft path = {0};
    put(&path, TEXT("/v1/files/"));
    put(&path, sha256);
    struct reply reply = send_to(TEXT("service"), TEXT("GET"), written(&path), TEXT(""));
    if (reply.failed) return unsent(&reply);
    if (reply.status == 404) return verdict(false, 0, 0);
    if (reply.status == 429)
        return retryable(FAIL_RATE_LIMITED, TEXT("busy"), TEXT("the service asks to wait"),
                         retry_after_ms(&reply));
    if (reply.status == 401 || reply.status == 403)
        return permanent(FAIL_UNAUTHORIZED, TEXT("refused"),
                         TEXT("the service refuses the credential"));
    if (reply.status < 200 || reply.status > 299)
        return retryable(FAIL_UNAVAILABLE, TEXT("down"), TEXT("the service is down"), 0);
    int64_t malicious, total;
    if (!json_member(reply.body, TEXT("malicious"), &value) || !json_integer(value, &malicious) ||
        !json_member(reply.body, TEXT("total"), &value) || !json_integer(value, &total))
        return permanent(FAIL_INTERNAL, TEXT("garbled"),
                         TEXT("the answer of the service cannot be read"));
    tell(LOG_INFO, TEXT("looked up"));
    return verdict(true, malicious, total);
}
