// ps-decode.decode: finds the encoded command of a PowerShell command line and says what is in it.
//
// No libc. Memory is never freed: each call gets a fresh instance, which ends with it.
#define QUELL_SHAPES_ONLY
#include "quell/quell.h"

// ---- memory -------------------------------------------------------------------------------------
extern char __heap_base;
static char *heap = &__heap_base;

static void *take(size_t size) {
    char *at = heap;
    heap += (size + 7) & ~(size_t)7;
    const size_t page = 65536, have = __builtin_wasm_memory_size(0) * page;
    if ((size_t)heap > have) {
        const size_t pages = ((size_t)heap - have + page - 1) / page;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) __builtin_trap();
    }
    return at;
}

// How the engine places the input; it never asks for more of an earlier block.
EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old, (void)old_size, (void)align;
    return take(size);
}

// ---- text ---------------------------------------------------------------------------------------
// Text under construction; whoever makes one knows its largest size.
struct draft {
    char *at;
    uint32_t size;
};

static void add(struct draft *draft, char c) { draft->at[draft->size++] = c; }

static void add_text(struct draft *draft, struct text text) {
    for (uint32_t i = 0; i < text.size; i++) add(draft, text.at[i]);
}

static struct text text_of(const struct draft *d) { return (struct text){d->at, d->size}; }

static bool same(struct text a, struct text b) {
    if (a.size != b.size) return false;
    for (uint32_t i = 0; i < a.size; i++)
        if (a.at[i] != b.at[i]) return false;
    return true;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

// Whether `text` holds `word`, which is in lower case, at `from`.
static bool holds_at(struct text text, uint32_t from, struct text word) {
    if (from > text.size || text.size - from < word.size) return false;
    for (uint32_t i = 0; i < word.size; i++)
        if (lower(text.at[from + i]) != word.at[i]) return false;
    return true;
}

// Appends a character as UTF-8; what is no character becomes U+FFFD. At most four bytes.
static void add_char(struct draft *draft, uint32_t c) {
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = 0xFFFD;
    if (c < 0x80) {
        add(draft, (char)c);
    } else if (c < 0x800) {
        add(draft, (char)(0xC0 | c >> 6));
        add(draft, (char)(0x80 | (c & 63)));
    } else if (c < 0x10000) {
        add(draft, (char)(0xE0 | c >> 12));
        add(draft, (char)(0x80 | (c >> 6 & 63)));
        add(draft, (char)(0x80 | (c & 63)));
    } else {
        add(draft, (char)(0xF0 | c >> 18));
        add(draft, (char)(0x80 | (c >> 12 & 63)));
        add(draft, (char)(0x80 | (c >> 6 & 63)));
        add(draft, (char)(0x80 | (c & 63)));
    }
}

// ---- UTF-16, which both JSON escapes and PowerShell use -----------------------------------------
static bool is_high(uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
static bool is_low(uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

// Appends one unit. A high half waits in `half` for its low one; halves alone become U+FFFD.
static void add_unit(struct draft *draft, uint32_t unit, uint32_t *half) {
    if (*half && is_low(unit)) {
        add_char(draft, 0x10000 + ((*half - 0xD800) << 10) + (unit - 0xDC00));
        *half = 0;
        return;
    }
    if (*half) add_char(draft, *half);
    *half = is_high(unit) ? unit : 0;
    if (!*half) add_char(draft, unit);
}

// ---- JSON ---------------------------------------------------------------------------------------
static int hex(char c) {
    c = lower(c);
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

static void skip_space(struct text json, uint32_t *at) {
    while (*at < json.size && is_space(json.at[*at])) ++*at;
}

static bool expect(struct text json, uint32_t *at, char c) {
    skip_space(json, at);
    if (*at >= json.size || json.at[*at] != c) return false;
    ++*at;
    return true;
}

// Reads a string; `out` has room for as many bytes as the JSON is long, which is always enough.
static bool read_string(struct text json, uint32_t *at, struct draft *out) {
    if (!expect(json, at, '"')) return false;
    uint32_t half = 0;
    while (*at < json.size) {
        char c = json.at[(*at)++];
        if (c == '"') {
            if (half) add_char(out, half);
            return true;
        }
        if (c != '\\') {
            if (half) add_char(out, half);
            half = 0;
            add(out, c);
            continue;
        }
        if (*at >= json.size) return false;
        uint32_t unit = 0;
        switch (c = json.at[(*at)++]) {
        case '"': case '\\': case '/': unit = (uint8_t)c; break;
        case 'b': unit = '\b'; break;
        case 'f': unit = '\f'; break;
        case 'n': unit = '\n'; break;
        case 'r': unit = '\r'; break;
        case 't': unit = '\t'; break;
        case 'u':
            for (int i = 0; i < 4; i++) {
                int digit = *at < json.size ? hex(json.at[(*at)++]) : -1;
                if (digit < 0) return false;
                unit = unit << 4 | (uint32_t)digit;
            }
            break;
        default: return false;
        }
        add_unit(out, unit, &half);
    }
    return false;
}

// Reads `{"command_line": "…"}`, all that the input schema lets through.
static bool read_input(struct text json, struct text *command_line) {
    struct draft key = {take(json.size), 0}, value = {take(json.size), 0};
    uint32_t at = 0;
    bool whole = expect(json, &at, '{') && read_string(json, &at, &key) && expect(json, &at, ':') &&
                 read_string(json, &at, &value) && expect(json, &at, '}');
    skip_space(json, &at);
    *command_line = text_of(&value);
    return whole && at == json.size && same(text_of(&key), TEXT("command_line"));
}

// Appends a JSON string: at most six bytes for one, and two quotes.
static void add_string(struct draft *json, struct text text) {
    static const char digits[] = "0123456789abcdef";
    add(json, '"');
    for (uint32_t i = 0; i < text.size; i++) {
        char c = text.at[i];
        if (c == '"' || c == '\\') {
            add(json, '\\');
            add(json, c);
        } else if ((uint8_t)c < 0x20 || c == 0x7F) {
            add_text(json, TEXT("\\u00"));
            add(json, digits[(uint8_t)c >> 4]);
            add(json, digits[c & 15]);
        } else {
            add(json, c);
        }
    }
    add(json, '"');
}

// ---- the command line ---------------------------------------------------------------------------
static int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// Decodes base64 of UTF-16LE. A cut-off end is dropped, since logs cut long command lines off.
static bool decode(struct text base64, struct text *decoded) {
    // Eight characters of base64 are six bytes, three units, nine bytes of UTF-8 at most.
    struct draft out = {take(base64.size * 2 + 8), 0};
    uint32_t bits = 0, count = 0, half = 0;
    bool padded = false;
    for (uint32_t i = 0; i < base64.size; i++) {
        char c = base64.at[i];
        if (c == '=') {
            padded = true;
            continue;
        }
        int value = base64_value(c);
        if (value < 0 || padded) return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 16) {
            count -= 16;
            uint32_t pair = bits >> count & 0xFFFF;
            add_unit(&out, pair >> 8 | (pair & 0xFF) << 8, &half);
        }
    }
    if (half) add_char(&out, half);
    *decoded = text_of(&out);
    return out.size > 0;
}

// The next word of a command line, without the quotes around it.
static bool next_word(struct text line, uint32_t *at, struct text *word) {
    while (*at < line.size && is_space(line.at[*at])) ++*at;
    if (*at >= line.size) return false;
    char quote = line.at[*at];
    if (quote != '"' && quote != '\'') quote = 0;
    uint32_t from = *at + (quote ? 1 : 0);
    *at = from;
    while (*at < line.size && (quote ? line.at[*at] != quote : !is_space(line.at[*at]))) ++*at;
    *word = (struct text){line.at + from, *at - from};
    if (quote && *at < line.size) ++*at;
    return true;
}

// Whether the word is -EncodedCommand. PowerShell takes any beginning of it, the alias -ec, a slash
// and three typographic dashes.
static bool is_encoded_command(struct text word) {
    static const char *const dashes[] = {"-", "/", "\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x80\x95"};
    for (size_t i = 0; i < sizeof dashes / sizeof *dashes; i++) {
        struct text dash = {dashes[i], i < 2 ? 1 : 3};
        if (!holds_at(word, 0, dash)) continue;
        struct text name = {word.at + dash.size, word.size - dash.size};
        struct text whole = TEXT("encodedcommand");
        if (name.size == 2 && holds_at(name, 0, TEXT("ec"))) return true;
        if (name.size == 0 || name.size > whole.size) return false;
        return holds_at(name, 0, (struct text){whole.at, name.size});
    }
    return false;
}

static bool find_command(struct text line, struct text *decoded) {
    struct text word, value;
    for (uint32_t at = 0; next_word(line, &at, &word);) {
        uint32_t after = at;
        if (!is_encoded_command(word) || !next_word(line, &after, &value)) continue;
        if (decode(value, decoded)) return true;
    }
    return false;
}

// ---- what is in it ------------------------------------------------------------------------------
// Appends the list of http and https URLs, each once.
static void add_urls(struct draft *json, struct text text) {
    struct text *seen = take((text.size / 7 + 1) * sizeof *seen);
    uint32_t count = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        if (!holds_at(text, i, TEXT("http://")) && !holds_at(text, i, TEXT("https://"))) continue;
        uint32_t end = i;
        // A URL ends where a script's own characters begin.
        while (end < text.size && (uint8_t)text.at[end] > 0x20 && text.at[end] != 0x7F) {
            bool stop = false;
            for (const char *c = "\"'`<>(){}|;,\\"; *c; c++) stop |= text.at[end] == *c;
            if (stop) break;
            end++;
        }
        struct text url = {text.at + i, end - i};
        bool known = false;
        for (uint32_t k = 0; k < count && !known; k++)
            known = same(seen[k], url);
        if (!known) {
            if (count) add(json, ',');
            add_string(json, url);
            seen[count++] = url;
        }
        i = end - 1;
    }
}

// Words that download, run or hide; each says something alone, none is proof.
static const struct text SIGNS[] = {
    TEXT("amsiutils"), TEXT("downloaddata"), TEXT("downloadfile"), TEXT("downloadstring"),
    TEXT("frombase64string"), TEXT("iex"), TEXT("invoke-expression"), TEXT("invoke-mimikatz"),
    TEXT("invoke-webrequest"), TEXT("net.webclient"), TEXT("reflection.assembly"),
    TEXT("set-mppreference"), TEXT("start-bitstransfer"), TEXT("virtualalloc"),
};

static bool is_letter(char c) {
    c = lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

// Whether the word stands on its own: `iex`, but not in `complexity`.
static bool stands(struct text text, struct text word) {
    for (uint32_t i = 0; i < text.size; i++) {
        if (!holds_at(text, i, word) || (i > 0 && is_letter(text.at[i - 1]))) continue;
        uint32_t end = i + word.size;
        if (end == text.size || !is_letter(text.at[end])) return true;
    }
    return false;
}

static uint32_t add_signs(struct draft *json, struct text text) {
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++) {
        if (!stands(text, SIGNS[i])) continue;
        if (count++) add(json, ',');
        add_string(json, SIGNS[i]);
    }
    return count;
}

static struct text describe_command(struct text line) {
    struct text decoded = {0};
    bool found = find_command(line, &decoded);
    // The text once, each URL once with its comma and quotes, the signs, the names.
    struct draft json = {take((size_t)decoded.size * 14 + 1024), 0};
    add_text(&json, TEXT("{\"decoded\":"));
    add_string(&json, decoded);
    add_text(&json, TEXT(",\"found\":"));
    add_text(&json, found ? TEXT("true") : TEXT("false"));
    add_text(&json, TEXT(",\"indicators\":["));
    add_urls(&json, decoded);
    add_text(&json, TEXT("],\"signs\":["));
    uint32_t signs = add_signs(&json, decoded);
    add_text(&json, signs ? TEXT("],\"suspicious\":true}") : TEXT("],\"suspicious\":false}"));
    return text_of(&json);
}

// ---- the plugin ---------------------------------------------------------------------------------
static const char INPUT[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"command_line\"],"
    "\"properties\":{\"command_line\":{\"type\":\"string\",\"maxLength\":32768,"
    "\"description\":\"The command line of the process, as the alert has it.\"}},"
    "\"examples\":[{\"command_line\":\"powershell.exe -nop -enc SQBFAFgAIAAkAHgA\"}]}";

static const char OUTPUT[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"decoded\",\"found\",\"indicators\",\"signs\",\"suspicious\"],\"properties\":{"
    "\"decoded\":{\"type\":\"string\",\"description\":\"The script; empty where none was found.\"},"
    "\"found\":{\"type\":\"boolean\","
    "\"description\":\"Whether an encoded command was found and could be read.\"},"
    "\"indicators\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The http and https URLs in the script, each once.\"},"
    "\"signs\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"description\":\"The words in the script that download, run or hide something.\"},"
    "\"suspicious\":{\"type\":\"boolean\","
    "\"description\":\"Whether there is at least one sign.\"}},"
    "\"examples\":[{\"decoded\":\"IEX $x\",\"found\":true,\"indicators\":[],"
    "\"signs\":[\"iex\"],\"suspicious\":true}]}";

EXPORT("quell:plugin/actions@0.1.0#describe") const struct plugin_info *describe(void) {
    static const struct text codes[] = {TEXT("ps-decode.input")};
    static const struct action_info decode_action = {
        .name = TEXT("decode"),
        .title = TEXT("Decode an encoded PowerShell command"),
        .description = TEXT(
            "Finds the value of `-EncodedCommand` in a command line, in any spelling PowerShell "
            "accepts, decodes it and lists the URLs and the telling words in it. "
            "Decodes one layer. Reaches nothing."),
        .input_schema = TEXT(INPUT),
        .output_schema = TEXT(OUTPUT),
        .effect = EFFECT_READ,
        .idempotency = REPEAT_NATURAL,
        .supports_simulate = true,
        .error_codes = {codes, 1},
    };
    static const struct plugin_info plugin = {
        .title = TEXT("PowerShell decoder"),
        .description = TEXT("Reads encoded PowerShell commands."),
        .config_schema = TEXT("{\"type\":\"object\",\"additionalProperties\":false}"),
        .actions = &decode_action,
        .action_count = 1,
    };
    return &plugin;
}

EXPORT("quell:plugin/actions@0.1.0#run") const struct answer *run(const struct call *call) {
    static struct answer answer;
    struct text line;
    if (read_input(call->input, &line)) {
        answer = (struct answer){.which = OUTCOME_DONE, .done = describe_command(line)};
    } else {
        answer = (struct answer){.is_error = true, .which = ERROR_PERMANENT};
        answer.error.failure.kind = FAIL_INVALID_INPUT;
        answer.error.failure.code = TEXT("ps-decode.input");
        answer.error.failure.message = TEXT("the input is not {\"command_line\": \"…\"}");
    }
    return &answer;
}
