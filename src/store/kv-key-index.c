/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-key-index.h"

#include "store/kv-key-index-private.h"

#include <string.h>

/* A page is split when it has more keys than KV_KEY_PAGE_KEYS, or when they use more bytes than this and there are enough of them to
 * share out. So where keys are long a page may be larger than that, but not by much. */
#define MANY_BYTES 8192
#define ENOUGH_KEYS 4

/* A page that has less than half is joined with a neighbour if both together leave some room: so keys that come and go at one
 * place do not have pages split and joined each time. Of two neighbours one may be small, but not both. */
#define FEW_KEYS (KV_KEY_PAGE_KEYS / 2)
#define JOINED_KEYS (KV_KEY_PAGE_KEYS * 3 / 4)
#define JOINED_BYTES (MANY_BYTES * 3 / 4)

/* The way from the root to a leaf. */
typedef struct {
  KvKeyBranch *branch;
  guint child;
} Step;

typedef Step Path[KV_KEY_INDEX_MAX_HEIGHT];

KvKeyIndex *
kv_key_index_new (void)
{
  KvKeyIndex *self = g_new0 (KvKeyIndex, 1);

  self->root = kv_key_page_new ();
  return self;
}

static void
free_node (gpointer node, guint height)
{
  KvKeyBranch *branch = node;

  if (height > 0)
    {
      for (guint i = 0; i < branch->length; i++)
        free_node (branch->children[i], height - 1);
      g_free (branch->separators);
    }
  g_free (node);
}

void
kv_key_index_free (KvKeyIndex *self)
{
  free_node (self->root, self->height);
  g_free (self);
}

gsize
kv_key_index_get_length (const KvKeyIndex *self)
{
  return self->length;
}

static KvKeyBranch *
branch_new (void)
{
  KvKeyBranch *branch = g_new (KvKeyBranch, 1);

  branch->length = 0;
  branch->separators = kv_key_page_new ();
  return branch;
}

/* Returns: where the leaf stands in which the key is, or would be */
static gpointer *
descend (KvKeyIndex *self, const char *key, gsize length, Path path)
{
  gpointer *node = &self->root;

  for (guint i = 0; i < self->height; i++)
    {
      path[i].branch = *node;
      path[i].child = kv_key_branch_find_child (path[i].branch, key, length);
      node = &path[i].branch->children[path[i].child];
    }
  return node;
}

/* Opens a gap for @more children before the one at @index, or closes it when @more is negative. */
static void
shift_children (KvKeyBranch *branch, guint index, int more)
{
  guint from = more < 0 ? index - more : index, n = branch->length - from;

  memmove (branch->children + from + more, branch->children + from, n * sizeof (gpointer));
  memmove (branch->counts + from + more, branch->counts + from, n * sizeof (gsize));
  branch->length += more;
}

static gboolean
is_full (const KvKeyPage *page)
{
  return page->length > KV_KEY_PAGE_KEYS
         || (page->used > MANY_BYTES && page->length >= ENOUGH_KEYS);
}

/* The shortest text that is behind all of @left, and not behind any of @right. */
static gsize
choose_separator (const KvKeyPage *left, const KvKeyPage *right, char separator[KV_KEY_MAX_BYTES])
{
  char last[KV_KEY_MAX_BYTES];
  gsize last_length = kv_key_page_copy (left, left->length - 1, last);
  gsize length = kv_key_page_copy (right, 0, separator), common = 0;

  while (common < MIN (last_length, length) && last[common] == separator[common])
    common++;
  return common + 1;
}

/* Splits a leaf. Where keys come in order, what is behind the last will not be filled up any more, and stays full. */
static KvKeyPage *
split_leaf (KvKeyPage **leaf,
            gboolean at_end,
            char separator[KV_KEY_MAX_BYTES],
            gsize *separator_length)
{
  guint length = (*leaf)->length;
  KvKeyPage *right = kv_key_page_split (leaf, at_end ? length - 1 : length / 2);

  *separator_length = choose_separator (*leaf, right, separator);
  return right;
}

/* Splits a branch at a separator, which goes to the parent. */
static KvKeyBranch *
split_branch (KvKeyBranch *branch, char separator[KV_KEY_MAX_BYTES], gsize *separator_length)
{
  guint middle = branch->separators->length / 2, moved = branch->length - middle - 1;
  KvKeyBranch *right = g_new (KvKeyBranch, 1);

  *separator_length = kv_key_page_copy (branch->separators, middle, separator);
  right->separators = kv_key_page_split (&branch->separators, middle + 1);
  kv_key_page_remove (branch->separators, middle);
  memcpy (right->children, branch->children + middle + 1, moved * sizeof (gpointer));
  memcpy (right->counts, branch->counts + middle + 1, moved * sizeof (gsize));
  right->length = moved;
  branch->length = middle + 1;
  return right;
}

static gsize
count_keys (const KvKeyBranch *branch)
{
  gsize count = 0;

  for (guint i = 0; i < branch->length; i++)
    count += branch->counts[i];
  return count;
}

/* A root above the root. */
static KvKeyBranch *
grow (KvKeyIndex *self)
{
  KvKeyBranch *root = branch_new ();

  if (self->height == KV_KEY_INDEX_MAX_HEIGHT)
    g_error ("The index of keys is too high");
  root->children[0] = self->root;
  root->counts[0] = self->length;
  root->length = 1;
  self->root = root;
  self->height++;
  return root;
}

/* Puts @right beside the child that it was split from. */
static void
adopt (Step *parent, gpointer right, gsize count, const char *separator, gsize separator_length)
{
  KvKeyBranch *branch = parent->branch;
  guint child = parent->child;

  kv_key_page_insert (&branch->separators, child, separator, separator_length);
  shift_children (branch, child + 1, 1);
  branch->children[child + 1] = right;
  branch->counts[child + 1] = count;
  branch->counts[child] -= count;
}

/* Splits what has become too large, from the leaf upwards. */
static void
split_up (KvKeyIndex *self, Path path, gpointer *leaf, gboolean at_end)
{
  char separator[KV_KEY_MAX_BYTES];
  gsize separator_length, count;
  gpointer right;

  if (!is_full (*leaf))
    return;
  right = split_leaf ((KvKeyPage **) leaf, at_end, separator, &separator_length);
  count = ((KvKeyPage *) right)->length;

  for (guint i = self->height; i > 0; i--)
    {
      KvKeyBranch *branch = path[i - 1].branch;

      adopt (&path[i - 1], right, count, separator, separator_length);
      if (!is_full (branch->separators))
        return;
      right = split_branch (branch, separator, &separator_length);
      count = count_keys (right);
    }
  adopt (&(Step){ grow (self), 0 }, right, count, separator, separator_length);
}

gboolean
kv_key_index_insert (KvKeyIndex *self, const char *key, gsize length)
{
  Path path;
  gpointer *leaf = descend (self, key, length, path);
  gboolean found, at_end;
  guint place = kv_key_page_find (*leaf, key, length, &found);

  if (found)
    return FALSE;

  at_end = place == ((KvKeyPage *) *leaf)->length;
  kv_key_page_insert ((KvKeyPage **) leaf, place, key, length);
  self->length++;
  for (guint i = 0; i < self->height; i++)
    {
      path[i].branch->counts[path[i].child]++;
      at_end = at_end && path[i].child == path[i].branch->length - 1;
    }
  split_up (self, path, leaf, at_end);
  return TRUE;
}

/* Takes a child that has nothing left out of its branch. */
static void
drop_child (KvKeyBranch *branch, guint child, guint height)
{
  free_node (branch->children[child], height);
  if (branch->length > 1)
    kv_key_page_remove (branch->separators, child > 0 ? child - 1 : 0);
  shift_children (branch, child, -1);
}

static gboolean
join_leaves (KvKeyPage **left, const KvKeyPage *right)
{
  if (left[0]->length + right->length > JOINED_KEYS
      || kv_key_page_get_joined_size (*left, right) > JOINED_BYTES)
    return FALSE;
  kv_key_page_append (left, right);
  return TRUE;
}

/* What stands between the two comes to stand between their children. */
static gboolean
join_branches (KvKeyBranch *left,
               const KvKeyBranch *right,
               const KvKeyPage *separators,
               guint between)
{
  char separator[KV_KEY_MAX_BYTES];
  gsize length;

  if (left->length + right->length > JOINED_KEYS
      || kv_key_page_get_joined_size (left->separators, right->separators) > JOINED_BYTES)
    return FALSE;
  length = kv_key_page_copy (separators, between, separator);
  kv_key_page_insert (&left->separators, left->separators->length, separator, length);
  kv_key_page_append (&left->separators, right->separators);
  memcpy (left->children + left->length, right->children, right->length * sizeof (gpointer));
  memcpy (left->counts + left->length, right->counts, right->length * sizeof (gsize));
  left->length += right->length;
  return TRUE;
}

/* Joins a child, of that height, with the one behind it. Returns whether they fit. */
static gboolean
join (KvKeyBranch *branch, guint child, guint height)
{
  gpointer *left = &branch->children[child], right = branch->children[child + 1];

  if (height > 0 ? !join_branches (*left, right, branch->separators, child)
                 : !join_leaves ((KvKeyPage **) left, right))
    return FALSE;
  if (height > 0)
    g_free (((KvKeyBranch *) right)->separators);
  g_free (right);
  branch->counts[child] += branch->counts[child + 1];
  kv_key_page_remove (branch->separators, child);
  shift_children (branch, child + 1, -1);
  return TRUE;
}

/* Sees to a child that has become smaller. Returns whether its branch has become so, too. */
static gboolean
tidy_child (KvKeyBranch *branch, guint child, guint height)
{
  gpointer node = branch->children[child];
  guint length = height > 0 ? ((KvKeyBranch *) node)->length : ((KvKeyPage *) node)->length;

  if (length == 0)
    {
      drop_child (branch, child, height);
      return TRUE;
    }
  if (length >= FEW_KEYS)
    return FALSE;
  return (child > 0 && join (branch, child - 1, height))
         || (child + 1 < branch->length && join (branch, child, height));
}

/* Takes away roots that have become superfluous. */
static void
shrink (KvKeyIndex *self)
{
  while (self->height > 0 && ((KvKeyBranch *) self->root)->length <= 1)
    {
      KvKeyBranch *root = self->root;

      self->root = root->length > 0 ? root->children[0] : kv_key_page_new ();
      self->height = root->length > 0 ? self->height - 1 : 0;
      g_free (root->separators);
      g_free (root);
    }
}

gboolean
kv_key_index_remove (KvKeyIndex *self, const char *key, gsize length)
{
  Path path;
  KvKeyPage *leaf = *descend (self, key, length, path);
  gboolean found;
  guint place = kv_key_page_find (leaf, key, length, &found);

  if (!found)
    return FALSE;

  kv_key_page_remove (leaf, place);
  self->length--;
  for (guint i = 0; i < self->height; i++)
    path[i].branch->counts[path[i].child]--;
  for (guint i = self->height; i > 0; i--)
    if (!tidy_child (path[i - 1].branch, path[i - 1].child, self->height - i))
      break;
  shrink (self);
  return TRUE;
}

gsize
kv_key_index_get_rank (const KvKeyIndex *self, const char *key, gsize length)
{
  gconstpointer node = self->root;
  gboolean found;
  gsize rank = 0;

  for (guint i = 0; i < self->height; i++)
    {
      const KvKeyBranch *branch = node;
      guint child = kv_key_branch_find_child (branch, key, length);

      for (guint j = 0; j < child; j++)
        rank += branch->counts[j];
      node = branch->children[child];
    }
  return rank + kv_key_page_find (node, key, length, &found);
}

static gsize
measure_node (gconstpointer node, guint height)
{
  const KvKeyBranch *branch = node;
  gsize size = sizeof *branch;

  if (height == 0)
    return sizeof (KvKeyPage) + ((const KvKeyPage *) node)->capacity;

  size += measure_node (branch->separators, 0);
  for (guint i = 0; i < branch->length; i++)
    size += measure_node (branch->children[i], height - 1);
  return size;
}

gsize
kv_key_index_get_size (const KvKeyIndex *self)
{
  return sizeof *self + measure_node (self->root, self->height);
}
