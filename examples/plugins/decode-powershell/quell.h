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

// result<outcome, error>, of which this plugin needs `ok(done(…))` and `err(permanent(…))`.
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
enum { OUTCOME_DONE = 0, ERROR_PERMANENT = 1 };

_Static_assert(sizeof(struct action_info) == 92, "layout of action-info");
_Static_assert(sizeof(struct plugin_info) == 32, "layout of plugin-info");
_Static_assert(sizeof(struct call) == 68, "layout of the parameters of run");
_Static_assert(sizeof(struct answer) == 48, "layout of the answer of run");

#define TEXT(literal) ((struct text){literal, sizeof(literal) - 1})
#define EXPORT(name) __attribute__((export_name(name)))

#endif
