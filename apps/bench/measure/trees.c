// Binary trees, made and walked: pointers all over memory, and calls that call themselves.

#include "programs.h"

#define DEPTH 11
#define NODES (1 << (DEPTH + 1))

struct node {
    struct node *left, *right;
    uint32_t value;
};

static struct node nodes[NODES];
static uint32_t used;

static struct node *make(int depth, uint64_t *state) {
    struct node *node = &nodes[used++];
    node->value = (uint32_t)(next_random(state) >> 40);
    node->left = depth ? make(depth - 1, state) : 0;
    node->right = depth ? make(depth - 1, state) : 0;
    return node;
}

static uint64_t walk(const struct node *node) {
    return node ? fold(walk(node->left), node->value) + walk(node->right) : 1;
}

static void mirror(struct node *node) {
    if (node) {
        struct node *left = node->left;
        node->left = node->right;
        node->right = left;
        mirror(node->left);
        mirror(node->right);
    }
}

uint64_t run_trees(uint32_t rounds) {
    uint64_t state = 11, sum = 0;
    for (uint32_t round = 0; round < rounds; round++) {
        used = 0;
        struct node *root = make(DEPTH, &state);
        for (int i = 0; i < 4; i++) {
            sum = fold(sum, walk(root));
            mirror(root);
        }
    }
    return sum;
}
