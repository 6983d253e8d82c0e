/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-key-page.h"

#include <stddef.h>
#include <string.h>

/* Room for a few more keys, in the steps of the allocator. */
static gsize
add_room (gsize used)
{
  return MIN ((used + used / 8 + 31) & ~(gsize) 15, G_MAXUINT16);
}

static KvKeyPage *
allocate (gsize capacity)
{
  KvKeyPage *page = g_malloc (offsetof (KvKeyPage, bytes) + capacity);

  page->length = page->prefix_length = page->used = 0;
  page->capacity = (guint16) capacity;
  return page;
}

KvKeyPage *
kv_key_page_new (void)
{
  return allocate (0);
}

static gsize
count_common (const char *a, const char *b, gsize most)
{
  gsize common = 0;

  while (common < most && a[common] == b[common])
    common++;
  return common;
}

/* Makes room for @more bytes. */
static void
reserve (KvKeyPage **page, gsize more)
{
  gsize needed = (*page)->used + more;

  if (needed <= (*page)->capacity)
    return;
  needed = add_room (needed);
  *page = g_realloc (*page, offsetof (KvKeyPage, bytes) + needed);
  (*page)->capacity = (guint16) needed;
}

/* Adds one behind the others; there is room. */
static void
push (KvKeyPage *page, const char *start, gsize start_length, const char *rest, gsize length)
{
  memcpy (page->bytes + page->used, start, start_length);
  memcpy (page->bytes + page->used + start_length, rest, length);
  page->used += start_length + length;
  page->ends[page->length++] = page->used;
}

/* Adds keys of @other, as keys that have @prefix_length bytes in common; there is room. */
static void
push_keys (KvKeyPage *page, const KvKeyPage *other, guint from, guint to, gsize prefix_length)
{
  gsize more = other->prefix_length > prefix_length ? other->prefix_length - prefix_length : 0;
  gsize less = prefix_length > other->prefix_length ? prefix_length - other->prefix_length : 0;

  for (guint i = from; i < to; i++)
    {
      gsize length;
      const char *rest = kv_key_page_get_rest (other, i, &length);

      push (page, other->bytes + prefix_length, more, rest + less, length - less);
    }
}

/* A page with some of the keys of another, of which the first @prefix_length bytes are in common. There is one at least. */
static KvKeyPage *
copy_keys (const KvKeyPage *page, guint from, guint to, gsize prefix_length)
{
  guint start = from > 0 ? page->ends[from - 1] : page->prefix_length;
  gsize full = page->ends[to - 1] - start + (gsize) (to - from) * page->prefix_length;
  KvKeyPage *copy = allocate (add_room (full - (to - from - 1) * prefix_length));

  kv_key_page_copy (page, from, copy->bytes);
  copy->prefix_length = copy->used = (guint16) prefix_length;
  push_keys (copy, page, from, to, prefix_length);
  return copy;
}

/* How many bytes some keys of a page have in common: what the first and the last have. */
static gsize
measure_prefix (const KvKeyPage *page, guint from, guint to)
{
  gsize a, b;
  const char *first = kv_key_page_get_rest (page, from, &a);
  const char *last = kv_key_page_get_rest (page, to - 1, &b);

  return page->prefix_length + count_common (first, last, MIN (a, b));
}

static void
set_prefix (KvKeyPage **page, gsize prefix_length)
{
  KvKeyPage *copy = copy_keys (*page, 0, (*page)->length, prefix_length);

  g_free (*page);
  *page = copy;
}

gsize
kv_key_page_copy (const KvKeyPage *page, guint index, char key[KV_KEY_MAX_BYTES])
{
  gsize length;
  const char *rest = kv_key_page_get_rest (page, index, &length);

  memcpy (key, page->bytes, page->prefix_length);
  memcpy (key + page->prefix_length, rest, length);
  return page->prefix_length + length;
}

static int
compare (const char *a, gsize a_length, const char *b, gsize b_length)
{
  int order = memcmp (a, b, MIN (a_length, b_length));

  return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

guint
kv_key_page_find (const KvKeyPage *page, const char *key, gsize length, gboolean *found)
{
  guint from = 0, to = page->length;
  int order = compare (key, MIN (length, page->prefix_length), page->bytes, page->prefix_length);

  *found = FALSE;
  if (order != 0)
    return order < 0 ? 0 : page->length;

  key += page->prefix_length;
  length -= page->prefix_length;
  while (from < to)
    {
      guint middle = (from + to) / 2;
      gsize rest_length;
      const char *rest = kv_key_page_get_rest (page, middle, &rest_length);

      order = compare (key, length, rest, rest_length);
      if (order == 0)
        {
          *found = TRUE;
          return middle;
        }
      if (order < 0)
        to = middle;
      else
        from = middle + 1;
    }
  return from;
}

void
kv_key_page_insert (KvKeyPage **page, guint index, const char *key, gsize length)
{
  gsize common, start;
  KvKeyPage *self;

  if ((*page)->length == 0)
    (*page)->prefix_length = (*page)->used = 0;
  common = count_common (key, (*page)->bytes, MIN (length, (*page)->prefix_length));
  if (common < (*page)->prefix_length)
    set_prefix (page, common);
  key += common;
  length -= common;

  reserve (page, length);
  self = *page;
  start = index > 0 ? self->ends[index - 1] : self->prefix_length;
  memmove (self->bytes + start + length, self->bytes + start, self->used - start);
  memcpy (self->bytes + start, key, length);
  for (guint i = self->length; i > index; i--)
    self->ends[i] = self->ends[i - 1] + length;
  self->ends[index] = start + length;
  self->used += length;
  self->length++;
}

void
kv_key_page_remove (KvKeyPage *page, guint index)
{
  guint start = index > 0 ? page->ends[index - 1] : page->prefix_length;
  guint end = page->ends[index], length = end - start;

  memmove (page->bytes + start, page->bytes + end, page->used - end);
  for (guint i = index + 1; i < page->length; i++)
    page->ends[i - 1] = page->ends[i] - length;
  page->used -= length;
  page->length--;
}

KvKeyPage *
kv_key_page_split (KvKeyPage **page, guint index)
{
  guint length = (*page)->length;
  KvKeyPage *left = copy_keys (*page, 0, index, measure_prefix (*page, 0, index));
  KvKeyPage *right = copy_keys (*page, index, length, measure_prefix (*page, index, length));

  g_free (*page);
  *page = left;
  return right;
}

/* What two pages, neither of them empty, have in common. */
static gsize
count_common_prefix (const KvKeyPage *page, const KvKeyPage *other)
{
  return count_common (page->bytes, other->bytes, MIN (page->prefix_length, other->prefix_length));
}

gsize
kv_key_page_get_joined_size (const KvKeyPage *page, const KvKeyPage *other)
{
  gsize common, left, right;

  if (page->length == 0 || other->length == 0)
    return MAX (page->used, other->used);
  common = count_common_prefix (page, other);
  left = page->used + (gsize) (page->length - 1) * (page->prefix_length - common);
  right = other->used + (gsize) (other->length - 1) * (other->prefix_length - common);
  return left + right - common;
}

void
kv_key_page_append (KvKeyPage **page, const KvKeyPage *other)
{
  gsize common;

  if (other->length == 0)
    return;
  if ((*page)->length == 0)
    {
      g_free (*page);
      *page = copy_keys (other, 0, other->length, other->prefix_length);
      return;
    }

  common = count_common_prefix (*page, other);
  if (common < (*page)->prefix_length)
    set_prefix (page, common);
  reserve (page, kv_key_page_get_joined_size (*page, other) - (*page)->used);
  push_keys (*page, other, 0, other->length, common);
}
