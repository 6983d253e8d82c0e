/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-prefix-tree.h"

#include <string.h>

/* The text of a node is the labels on the way to it. Every node but the root has a value, or several children. */
typedef struct _Node Node;
struct _Node {
  gpointer value;  /* (borrowed) (nullable) */
  Node **children; /* (owned) (nullable) (element-type Node) */
  guint8 *
    first; /* (owned) (nullable): the first byte of each child's label, together so that one look finds it */
  guint16 n_children;
  guint16 length;
  char label[];
};

struct _KvPrefixTree {
  Node *root; /* (owned): its label is empty */
};

static Node *
node_new (const char *label, gsize length, gpointer value)
{
  Node *node = g_malloc0 (sizeof (Node) + length);

  node->value = value;
  node->length = (guint16) length;
  if (length > 0)
    memcpy (node->label, label, length);
  return node;
}

static void
node_free (Node *node)
{
  for (guint i = 0; i < node->n_children; i++)
    node_free (node->children[i]);
  g_free (node->children);
  g_free (node->first);
  g_free (node);
}

KvPrefixTree *
kv_prefix_tree_new (void)
{
  KvPrefixTree *tree = g_new (KvPrefixTree, 1);

  tree->root = node_new (NULL, 0, NULL);
  return tree;
}

void
kv_prefix_tree_free (KvPrefixTree *tree)
{
  node_free (tree->root);
  g_free (tree);
}

/* The place that holds the child whose label begins with @byte, %NULL when there is none. */
static inline Node **
find_child (const Node *node, char byte)
{
  const guint8 *found =
    node->n_children > 0 ? memchr (node->first, (guint8) byte, node->n_children) : NULL;

  return found != NULL ? &node->children[found - node->first] : NULL;
}

static void
add_child (Node *node, Node *child)
{
  guint n = node->n_children++;

  node->children = g_renew (Node *, node->children, n + 1);
  node->first = g_renew (guint8, node->first, n + 1);
  node->children[n] = child;
  node->first[n] = (guint8) child->label[0];
}

static void
remove_child (Node *node, Node **child)
{
  guint index = (guint) (child - node->children), last = --node->n_children;

  node_free (*child);
  node->children[index] = node->children[last];
  node->first[index] = node->first[last];
}

static gsize
count_common (const Node *node, const char *text, gsize length)
{
  gsize most = MIN (node->length, length), n = 0;

  while (n < most && node->label[n] == text[n])
    n++;
  return n;
}

/* Puts a node in between, which takes the first @length bytes of the label. */
static void
split (Node **place, gsize length)
{
  Node *lower = *place;
  Node *upper = node_new (lower->label, length, NULL);

  lower->length -= (guint16) length;
  memmove (lower->label, lower->label + length, lower->length);
  add_child (upper, lower);
  *place = upper;
}

void
kv_prefix_tree_insert (KvPrefixTree *tree, const char *prefix, gsize length, gpointer value)
{
  Node *node = tree->root;

  while (length > 0)
    {
      Node **place = find_child (node, *prefix);
      gsize common;

      if (place == NULL)
        {
          add_child (node, node_new (prefix, length, value));
          return;
        }
      common = count_common (*place, prefix, length);
      if (common < (*place)->length)
        split (place, common);
      node = *place;
      prefix += common;
      length -= common;
    }
  node->value = value;
}

/* A node with neither a value nor several children is one with its child. */
static void
join (Node **place)
{
  Node *upper = *place, *lower, *joined;

  if (upper->value != NULL || upper->n_children != 1)
    return;

  lower = upper->children[0];
  joined = g_malloc0 (sizeof (Node) + upper->length + lower->length);
  *joined = *lower;
  joined->length += upper->length;
  memcpy (joined->label, upper->label, upper->length);
  memcpy (joined->label + upper->length, lower->label, lower->length);
  *place = joined;

  g_free (lower);
  upper->n_children = 0;
  node_free (upper);
}

void
kv_prefix_tree_remove (KvPrefixTree *tree, const char *prefix, gsize length)
{
  Node **place = &tree->root, **above = NULL;

  while (length > 0)
    {
      above = place;
      place = find_child (*place, *prefix);
      prefix += (*place)->length;
      length -= (*place)->length;
    }

  (*place)->value = NULL;
  if (above == NULL)
    return;
  if ((*place)->n_children > 0)
    join (place);
  else
    {
      remove_child (*above, place);
      if (*above != tree->root)
        join (above);
    }
}

void
kv_prefix_match_init (KvPrefixMatch *match, KvPrefixTree *tree, const char *key, gsize length)
{
  *match = (KvPrefixMatch){ tree->root, key, length };
}

/* The child that the rest of the key leads through. */
static const Node *
step (const Node *node, KvPrefixMatch *match)
{
  Node **place = match->length > 0 ? find_child (node, *match->rest) : NULL;
  const Node *child = place != NULL ? *place : NULL;

  if (child == NULL || child->length > match->length
      || memcmp (child->label, match->rest, child->length) != 0)
    return NULL;
  match->rest += child->length;
  match->length -= child->length;
  return child;
}

gpointer
kv_prefix_match_next (KvPrefixMatch *match)
{
  while (match->node != NULL)
    {
      const Node *node = match->node;

      match->node = step (node, match);
      if (node->value != NULL)
        return node->value;
    }
  return NULL;
}
