// JSON (RFC 8259): parses a document into a tree, changes numbers in it, writes it again, and parses that.

#include "programs.h"

#define TEXT 32768
#define NODES 4096

enum kind { NOTHING, TRUTH, LIE, NUMBER, STRING, LIST, OBJECT };

struct node {
    uint8_t kind;
    uint32_t first, next; // nodes, 0: none
    uint32_t key, key_length, text, length; // where in the document
    int64_t number;
};

static char document[TEXT], written[TEXT];
static struct node nodes[NODES];
static uint32_t used, at, put;

static void skip_space(const char *from) {
    while (from[at] == ' ' || from[at] == '\n') {
        at++;
    }
}

static uint32_t parse(const char *from);

static void parse_string(const char *from, uint32_t *text, uint32_t *length) {
    *text = ++at;
    while (from[at] != '"') {
        at += from[at] == '\\' ? 2 : 1;
    }
    *length = at++ - *text;
}

static int64_t parse_number(const char *from) {
    int negative = from[at] == '-';
    int64_t value = 0;
    for (at += (uint32_t)negative; from[at] >= '0' && from[at] <= '9'; at++) {
        value = 10 * value + from[at] - '0';
    }
    return negative ? -value : value;
}

// The members of a list or an object, up to `end`.
static uint32_t parse_members(const char *from, char end, int keyed) {
    uint32_t first = 0, last = 0;
    at++;
    for (skip_space(from); from[at] != end; skip_space(from)) {
        uint32_t key = 0, length = 0;
        if (keyed) {
            parse_string(from, &key, &length);
            skip_space(from);
            at++;
        }
        uint32_t member = parse(from);
        nodes[member].key = key;
        nodes[member].key_length = length;
        if (last) {
            nodes[last].next = member;
        } else {
            first = member;
        }
        last = member;
        skip_space(from);
        at += from[at] == ',';
    }
    at++;
    return first;
}

static uint32_t parse(const char *from) {
    skip_space(from);
    uint32_t index = used++;
    struct node *node = &nodes[index];
    node->first = node->next = 0;
    switch (from[at]) {
    case '{':
        node->kind = OBJECT;
        node->first = parse_members(from, '}', 1);
        break;
    case '[':
        node->kind = LIST;
        node->first = parse_members(from, ']', 0);
        break;
    case '"':
        node->kind = STRING;
        parse_string(from, &node->text, &node->length);
        break;
    case 't':
        node->kind = TRUTH;
        at += 4;
        break;
    case 'f':
        node->kind = LIE;
        at += 5;
        break;
    case 'n':
        node->kind = NOTHING;
        at += 4;
        break;
    default:
        node->kind = NUMBER;
        node->number = parse_number(from);
    }
    return index;
}

static void put_bytes(char *to, const char *bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        to[put++] = bytes[i];
    }
}

static void put_number(char *to, int64_t number) {
    char digits[20];
    uint32_t count = 0;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    if (number < 0) {
        to[put++] = '-';
    }
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    while (count) {
        to[put++] = digits[--count];
    }
}

static void put_string(char *to, const char *from, uint32_t text, uint32_t length) {
    to[put++] = '"';
    put_bytes(to, from + text, length);
    to[put++] = '"';
}

static void serialise(char *to, const char *from, uint32_t index) {
    const struct node *node = &nodes[index];
    switch (node->kind) {
    case NUMBER:
        put_number(to, node->number);
        return;
    case STRING:
        put_string(to, from, node->text, node->length);
        return;
    case TRUTH:
        put_bytes(to, "true", 4);
        return;
    case LIE:
        put_bytes(to, "false", 5);
        return;
    case NOTHING:
        put_bytes(to, "null", 4);
        return;
    }
    to[put++] = node->kind == LIST ? '[' : '{';
    for (uint32_t member = node->first; member; member = nodes[member].next) {
        if (member != node->first) {
            to[put++] = ',';
        }
        if (node->kind == OBJECT) {
            put_string(to, from, nodes[member].key, nodes[member].key_length);
            to[put++] = ':';
        }
        serialise(to, from, member);
    }
    to[put++] = node->kind == LIST ? ']' : '}';
}

static void put_text(const char *text) {
    while (*text) {
        document[put++] = *text++;
    }
}

static void write_document(uint64_t state) {
    put = 0;
    put_text("{\"system\": \"munal\", \"whole\": true, \"instances\": [\n");
    for (int i = 0; i < 120; i++) {
        put_text(i ? ",\n  {\"name\": \"instance-" : "  {\"name\": \"instance-");
        put_number(document, i);
        put_text("\", \"cpu\": ");
        put_number(document, (int64_t)(next_random(&state) >> 40));
        put_text(", \"memory\": -");
        put_number(document, (int64_t)(next_random(&state) >> 50));
        put_text(", \"state\": null, \"grants\": [\"port \\\"regs\\\"\", false, [1, 2, 3]]}");
    }
    put_text("]}");
}

static uint64_t total(void) {
    uint64_t sum = used;
    for (uint32_t i = 0; i < used; i++) {
        sum = nodes[i].kind == NUMBER ? fold(sum, (uint64_t)nodes[i].number++) : sum + nodes[i].kind;
    }
    return sum;
}

uint64_t run_json(uint32_t rounds) {
    uint64_t sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        write_document(31 + round);
        used = at = put = 0;
        parse(document);
        sum = fold(sum, total());
        serialise(written, document, 0);
        used = at = 0;
        parse(written);
        sum = fold(sum, total() ^ put);
    }
    return sum;
}
