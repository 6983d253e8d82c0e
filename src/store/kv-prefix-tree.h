/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvPrefixTree:
 *
 * Values by prefixes, to be found by the keys that begin with these: a radix tree. To find all prefixes of a key is to follow
 * the key into the tree until the two part, so it costs no more for many prefixes than for few, nor for many different
 * lengths; and whoever chooses the prefixes cannot make it cost more than a step for each byte of the key. One thread at a time.
 */
typedef struct _KvPrefixTree KvPrefixTree;

/**
 * kv_prefix_tree_new:
 *
 * Returns: (transfer full): an empty tree
 */
KvPrefixTree *kv_prefix_tree_new (void);

void kv_prefix_tree_free (KvPrefixTree *tree);

/**
 * kv_prefix_tree_insert:
 * @prefix: (array length=length): bytes, copied; none are the beginning of every key
 * @length: their number, 65,535 at most
 * @value: (not nullable): borrowed; in place of one that is there
 */
void kv_prefix_tree_insert (KvPrefixTree *tree, const char *prefix, gsize length, gpointer value);

/**
 * kv_prefix_tree_remove:
 * @prefix: (array length=length): one that has a value
 */
void kv_prefix_tree_remove (KvPrefixTree *tree, const char *prefix, gsize length);

/**
 * KvPrefixMatch:
 *
 * A walk along a key. Ends when the tree is changed.
 */
typedef struct {
  gconstpointer node;
  const char *rest;
  gsize length;
} KvPrefixMatch;

/**
 * kv_prefix_match_init:
 * @key: (array length=length): borrowed
 */
void kv_prefix_match_init (KvPrefixMatch *match, KvPrefixTree *tree, const char *key, gsize length);

/**
 * kv_prefix_match_next:
 *
 * Returns: (nullable): the value of the next longer prefix of the key; %NULL when there is none
 */
gpointer kv_prefix_match_next (KvPrefixMatch *match);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvPrefixTree, kv_prefix_tree_free)

G_END_DECLS
