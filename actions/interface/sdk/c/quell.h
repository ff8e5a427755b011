// What plugins in C are written with; made anew by every build.
//
// The shapes of quell:plugin@0.1.0 as a wasm32 C compiler lays them out, which is also how the
// canonical ABI lays them out: fields in order, each at its natural alignment.
#ifndef QUELL_H
#define QUELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Text is UTF-8 with a length and no zero at its end.
struct text {
    const char *at;
    uint32_t size;
};

struct texts {
    const struct text *at;
    uint32_t count;
};

// option<string>
struct maybe_text {
    bool there;
    struct text text;
};

enum mode { MODE_EXECUTE, MODE_SIMULATE, MODE_RECONCILE };
enum effect {
    EFFECT_READ, EFFECT_NOTIFY, EFFECT_ANNOTATE, EFFECT_CONTAIN, EFFECT_RELEASE, EFFECT_DESTROY,
};
enum idempotency { REPEAT_NATURAL, REPEAT_KEYED, REPEAT_NEVER };
enum failure_kind {
    FAIL_INVALID_INPUT, FAIL_INVALID_CONFIG, FAIL_UNAUTHORIZED, FAIL_FORBIDDEN, FAIL_NOT_FOUND,
    FAIL_CONFLICT, FAIL_RATE_LIMITED, FAIL_UNAVAILABLE, FAIL_TIMEOUT, FAIL_DENIED, FAIL_UNSUPPORTED,
    FAIL_INTERNAL,
};

struct action_info {
    struct text name, title, description, input_schema, output_schema;
    uint8_t effect, idempotency;
    bool supports_simulate, settles;
    struct maybe_text undo;
    struct {
        bool there;
        struct text api;
        struct texts application, delegated;
    } connection;
    struct texts error_codes;
};

struct plugin_info {
    struct text title, description, config_schema;
    const struct action_info *actions;
    uint32_t action_count;
};

// The parameters of `run`.
struct call {
    struct text action, input, invocation_id;
    uint32_t attempt;
    uint8_t mode;
    uint32_t time_left_ms;
    struct text config;
    struct maybe_text resume, traceparent;
};

struct failure {
    uint8_t kind;
    struct text code, message;
    struct maybe_text details;
};

// result<outcome, error>: `ok(done(…))`, `err(permanent(…))`, `err(retryable(…))`.
struct answer {
    bool is_error;
    _Alignas(4) uint8_t which;
    union {
        struct text done;
        struct {
            struct failure failure;
            struct {
                bool there;
                uint32_t ms;
            } after;
        } error;
    };
};
enum { OUTCOME_DONE = 0, ERROR_RETRYABLE = 0, ERROR_PERMANENT = 1 };

_Static_assert(sizeof(struct action_info) == 92, "layout of action-info");
_Static_assert(sizeof(struct plugin_info) == 32, "layout of plugin-info");
_Static_assert(sizeof(struct call) == 68, "layout of the parameters of run");
_Static_assert(sizeof(struct answer) == 48, "layout of the answer of run");

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})
#define EXPORT(name) __attribute__((export_name(name)))

#ifndef QUELL_SHAPES_ONLY

// ---- memory -------------------------------------------------------------------------------------
// A fresh instance serves each call, so nothing is ever freed.
extern unsigned char __heap_base;

static inline void *quell_take(size_t size) {
    static uintptr_t next;
    if (!next) next = (uintptr_t)&__heap_base;
    uintptr_t at = (next + 7) & ~(uintptr_t)7;
    next = at + size;
    while (next > __builtin_wasm_memory_size(0) * 65536) {
        size_t pages = (next - __builtin_wasm_memory_size(0) * 65536 + 65535) / 65536;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
    }
    return (void *)at;
}

EXPORT("cabi_realloc")
void *quell_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)align;
    void *at = quell_take(size);
    for (size_t i = 0; i < old_size && i < size; i++) ((char *)at)[i] = ((char *)old)[i];
    return at;
}

static inline bool quell_same(struct text a, struct text b) {
    if (a.size != b.size) return false;
    for (uint32_t i = 0; i < a.size; i++)
        if (a.at[i] != b.at[i]) return false;
    return true;
}

// ---- text that is being written -----------------------------------------------------------------
struct draft {
    char *at;
    uint32_t size, room;
};

static inline void put_char(struct draft *draft, char c) {
    if (draft->size == draft->room) {
        uint32_t room = draft->room ? draft->room * 2 : 128;
        char *at = quell_take(room);
        for (uint32_t i = 0; i < draft->size; i++) at[i] = draft->at[i];
        draft->at = at;
        draft->room = room;
    }
    draft->at[draft->size++] = c;
}

static inline void put(struct draft *draft, struct text text) {
    for (uint32_t i = 0; i < text.size; i++) put_char(draft, text.at[i]);
}

static inline void put_number(struct draft *draft, int64_t number) {
    char digits[20];
    uint32_t count = 0;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) put_char(draft, '-');
    while (count) put_char(draft, digits[--count]);
}

static inline struct text written(const struct draft *draft) {
    return (struct text){draft->at, draft->size};
}

// ---- JSON that is read --------------------------------------------------------------------------
static inline uint32_t json_skip_space(struct text json, uint32_t i) {
    while (i < json.size && (json.at[i] == ' ' || json.at[i] == '\n' || json.at[i] == '\t' ||
                             json.at[i] == '\r'))
        i++;
    return i;
}

// Behind the string that begins at `i`; behind the text where it does not end.
static inline uint32_t json_skip_string(struct text json, uint32_t i) {
    for (i++; i < json.size; i++) {
        if (json.at[i] == '\\') i++;
        else if (json.at[i] == '"') return i + 1;
    }
    return json.size;
}

// Behind the value that begins at `i`.
static inline uint32_t json_skip_value(struct text json, uint32_t i) {
    uint32_t depth = 0;
    while (i < json.size) {
        char c = json.at[i];
        if (c == '"') {
            i = json_skip_string(json, i);
            if (!depth) return i;
            continue;
        }
        if (c == '{' || c == '[') depth++;
        else if (c == '}' || c == ']' || c == ',') {
            if (!depth) return i;
            if (c != ',' && --depth == 0) return i + 1;
        }
        i++;
    }
    return i;
}

// The member of an object, as it is written there; a name with escapes is not found.
static inline bool json_member(struct text json, struct text name, struct text *value) {
    uint32_t i = json_skip_space(json, 0);
    if (i >= json.size || json.at[i] != '{') return false;
    for (i = json_skip_space(json, i + 1); i < json.size && json.at[i] == '"';) {
        uint32_t end = json_skip_string(json, i);
        struct text key = {json.at + i + 1, end - i - 2};
        i = json_skip_space(json, end);
        if (i >= json.size || json.at[i] != ':') return false;
        i = json_skip_space(json, i + 1);
        end = json_skip_value(json, i);
        if (quell_same(key, name)) {
            *value = (struct text){json.at + i, end - i};
            while (value->size && (uint8_t)value->at[value->size - 1] <= ' ') value->size--;
            return true;
        }
        i = json_skip_space(json, end);
        if (i >= json.size || json.at[i] != ',') return false;
        i = json_skip_space(json, i + 1);
    }
    return false;
}

static inline bool json_integer(struct text value, int64_t *number) {
    bool minus = value.size && value.at[0] == '-';
    if (value.size - minus == 0 || value.size - minus > 15) return false;
    *number = 0;
    for (uint32_t i = minus; i < value.size; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') return false;
        *number = *number * 10 + (value.at[i] - '0');
    }
    if (minus) *number = -*number;
    return true;
}

// A string without escapes.
static inline bool json_plain_string(struct text value, struct text *text) {
    if (value.size < 2 || value.at[0] != '"' || value.at[value.size - 1] != '"') return false;
    *text = (struct text){value.at + 1, value.size - 2};
    for (uint32_t i = 0; i < text->size; i++)
        if (text->at[i] == '\\') return false;
    return true;
}

// ---- imports ------------------------------------------------------------------------------------
#define IMPORT(interface, name) \
    __attribute__((import_module("quell:plugin/" interface "@0.1.0"), import_name(name)))

enum log_level { LOG_TRACE, LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

IMPORT("log", "write")
void quell_log(uint32_t level, const char *at, uint32_t size, uint32_t has_fields,
               const char *fields, uint32_t fields_size);

static inline void tell(enum log_level level, struct text message) {
    quell_log(level, message.at, message.size, 0, 0, 0);
}

struct header {
    struct text name, value;
};

enum http_problem {
    HTTP_DENIED, HTTP_UNKNOWN_CONNECTION, HTTP_CREDENTIAL_UNAVAILABLE, HTTP_CREDENTIAL_INVALID,
    HTTP_INVALID_REQUEST, HTTP_CONNECT, HTTP_TIMEOUT, HTTP_LIMITED, HTTP_TOO_LARGE,
};

// result<response, http-error>
struct reply {
    bool failed;
    union {
        struct {
            uint16_t status;
            const struct header *headers;
            uint32_t header_count;
            uint8_t body_kind;
            struct text body;
        };
        struct {
            uint8_t problem;
            union {
                struct text because;
                uint32_t wait_ms;
            };
        };
    };
};

_Static_assert(sizeof(struct reply) == 28, "layout of the answer of send");

IMPORT("http", "send")
void quell_http_send(const char *method, uint32_t method_size, uint32_t target, const char *target_1,
                     uint32_t target_1_size, const char *target_2, uint32_t target_2_size,
                     const struct header *headers, uint32_t header_count, uint32_t body_kind,
                     const char *body, uint32_t body_size, uint32_t has_timeout,
                     uint32_t timeout_ms, struct reply *reply);

// Sends a request to a service that the operator bound to this name; an empty body is none.
static inline struct reply send_to(struct text connection, struct text method, struct text path,
                                   struct text body) {
    struct reply reply = {0};
    struct header json = {TEXT("content-type"), TEXT("application/json")};
    bool full = body.size > 0;
    quell_http_send(method.at, method.size, 0, connection.at, connection.size, path.at, path.size,
                    &json, full, full, body.at, body.size, 0, 0, &reply);
    return reply;
}

// How long the service asks to wait, in milliseconds; 0 where it does not say.
static inline uint32_t retry_after_ms(const struct reply *reply) {
    int64_t seconds;
    for (uint32_t i = 0; i < reply->header_count; i++)
        if (quell_same(reply->headers[i].name, TEXT("retry-after")) &&
            json_integer(reply->headers[i].value, &seconds) && seconds > 0 && seconds < 86400)
            return (uint32_t)seconds * 1000;
    return 0;
}

// ---- answers ------------------------------------------------------------------------------------
static inline const struct answer *done(struct text json) {
    struct answer *answer = quell_take(sizeof *answer);
    *answer = (struct answer){.which = OUTCOME_DONE, .done = json};
    return answer;
}

static inline const struct answer *permanent(enum failure_kind kind, struct text code,
                                             struct text message) {
    struct answer *answer = quell_take(sizeof *answer);
    *answer = (struct answer){.is_error = true, .which = ERROR_PERMANENT};
    answer->error.failure.kind = (uint8_t)kind;
    answer->error.failure.code = code;
    answer->error.failure.message = message;
    return answer;
}

// `after_ms` is how long to wait at least; 0 leaves it to the engine.
static inline const struct answer *retryable(enum failure_kind kind, struct text code,
                                             struct text message, uint32_t after_ms) {
    struct answer *answer = (struct answer *)permanent(kind, code, message);
    answer->which = ERROR_RETRYABLE;
    answer->error.after.there = after_ms > 0;
    answer->error.after.ms = after_ms;
    return answer;
}

// What the engine says when there is no response, as a failure of the action.
static inline const struct answer *unsent(const struct reply *reply) {
    switch (reply->problem) {
    case HTTP_DENIED:
        return permanent(FAIL_DENIED, TEXT("denied"), reply->because);
    case HTTP_LIMITED:
        return retryable(FAIL_RATE_LIMITED, TEXT("busy"), TEXT("a limit was reached"),
                         reply->wait_ms);
    case HTTP_UNKNOWN_CONNECTION:
    case HTTP_CREDENTIAL_INVALID:
        return permanent(FAIL_UNAUTHORIZED, TEXT("credential"), reply->because);
    case HTTP_INVALID_REQUEST:
        return permanent(FAIL_INTERNAL, TEXT("request"), reply->because);
    case HTTP_TOO_LARGE:
        return permanent(FAIL_INTERNAL, TEXT("request"), TEXT("the response is too large"));
    case HTTP_TIMEOUT:
        return retryable(FAIL_UNAVAILABLE, TEXT("down"), TEXT("no answer in time"), 0);
    default:
        return retryable(FAIL_UNAVAILABLE, TEXT("down"), reply->because, 0);
    }
}

#endif // QUELL_SHAPES_ONLY
#endif
