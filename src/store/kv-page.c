/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "store/kv-page.h"

#include "core/kv-entry-private.h"
#include "store/kv-page-private.h"

/* A name that is longer than this on the average has them moved while a page is read. */
#define BYTES_A_NAME 32

G_DEFINE_BOXED_TYPE (KvPage, kv_page, kv_page_ref, kv_page_unref)

KvPage *
kv_page_new (guint room)
{
  KvPage *self = g_malloc (sizeof *self + room * sizeof *self->items);

  self->references = 1;
  self->revision = self->count = 0;
  self->cursor = NULL;
  self->names = g_string_sized_new (room * BYTES_A_NAME);
  self->length = 0;
  self->room = room;
  return self;
}

KvPage *
kv_page_ref (KvPage *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

void
kv_page_unref (KvPage *self)
{
  if (!g_atomic_int_dec_and_test (&self->references))
    return;

  for (guint i = 0; i < self->length; i++)
    g_clear_pointer (&self->items[i].entry, kv_entry_unref);
  g_string_free (self->names, TRUE);
  g_free (self->cursor);
  g_free (self);
}

static KvPageItem *
add (KvPage *self)
{
  g_assert (self->length < self->room);
  return &self->items[self->length++];
}

void
kv_page_add_entry (KvPage *self, KvEntry *entry)
{
  *add (self) = (KvPageItem){ .entry = kv_entry_ref (entry) };
}

void
kv_page_add_name (KvPage *self, const char *name, gsize length, gboolean is_folder)
{
  *add (self) = (KvPageItem){
    .name = (guint32) self->names->len,
    .length = (guint16) length,
    .is_folder = is_folder ? 1 : 0,
  };
  g_string_append_len (self->names, name, (gssize) length);
  g_string_append_c (self->names, '\0');
}

guint
kv_page_get_length (const KvPage *self)
{
  return self->length;
}

const char *
kv_page_get_name (const KvPage *self, guint index, gsize *length)
{
  const KvPageItem *item = &self->items[index];

  g_return_val_if_fail (index < self->length, NULL);

  if (item->entry != NULL)
    return kv_entry_get_key (item->entry, length);
  if (length != NULL)
    *length = item->length;
  return self->names->str + item->name;
}

gboolean
kv_page_is_folder (const KvPage *self, guint index)
{
  g_return_val_if_fail (index < self->length, FALSE);

  return self->items[index].is_folder != 0;
}

KvEntry *
kv_page_get_entry (const KvPage *self, guint index)
{
  g_return_val_if_fail (index < self->length, NULL);

  return self->items[index].entry;
}

const char *
kv_page_get_cursor (const KvPage *self)
{
  return self->cursor;
}

guint64
kv_page_get_count (const KvPage *self)
{
  return self->count;
}

guint64
kv_page_get_revision (const KvPage *self)
{
  return self->revision;
}
