/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-change.h"

G_DEFINE_BOXED_TYPE (KvChange, kv_change, kv_change_copy, kv_change_free)

const char *
kv_change_get_key (const KvChange *change, gsize *length)
{
  return kv_entry_get_key (change->entry != NULL ? change->entry : change->previous, length);
}

void
kv_change_clear (KvChange *change)
{
  g_clear_pointer (&change->entry, kv_entry_unref);
  g_clear_pointer (&change->previous, kv_entry_unref);
}

KvChange *
kv_change_copy (const KvChange *change)
{
  KvChange *copy = g_memdup2 (change, sizeof *change);

  if (copy->entry != NULL)
    kv_entry_ref (copy->entry);
  if (copy->previous != NULL)
    kv_entry_ref (copy->previous);
  return copy;
}

void
kv_change_free (KvChange *change)
{
  kv_change_clear (change);
  g_free (change);
}
