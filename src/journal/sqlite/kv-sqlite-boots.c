/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-boots.h"

#include "core/kv-clock.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

typedef struct {
  gint64 number;
  gint64 boottime;
  gint64 wall;
  gboolean current;
  gboolean used;
} Boot;

struct _KvSqliteBoots {
  char *id;      /* (owned) */
  GArray *boots; /* (owned) (element-type Boot): a few */
};

KvSqliteBoots *
kv_sqlite_boots_new (void)
{
  KvSqliteBoots *self = g_new0 (KvSqliteBoots, 1);

  if (g_file_get_contents (BOOT_ID_FILE, &self->id, NULL, NULL))
    g_strchomp (self->id);
  else
    self->id = g_uuid_string_random ();
  self->boots = g_array_new (FALSE, FALSE, sizeof (Boot));
  return self;
}

void
kv_sqlite_boots_free (KvSqliteBoots *self)
{
  g_free (self->id);
  g_array_unref (self->boots);
  g_free (self);
}

const char *
kv_sqlite_boots_get_id (KvSqliteBoots *self)
{
  return self->id;
}

void
kv_sqlite_boots_add (KvSqliteBoots *self,
                     gint64 number,
                     const char *id,
                     gint64 boottime,
                     gint64 wall)
{
  Boot boot = { number, boottime, wall, g_str_equal (id, self->id), FALSE };

  g_array_append_val (self->boots, boot);
}

static Boot *
find_boot (KvSqliteBoots *self, gint64 number)
{
  for (guint i = 0; i < self->boots->len; i++)
    {
      Boot *boot = &g_array_index (self->boots, Boot, i);

      if (boot->number == number)
        return boot;
    }
  return NULL;
}

static gint64
subtract (gint64 a, gint64 b)
{
  gint64 difference;

  if (__builtin_sub_overflow (a, b, &difference))
    return a < b ? G_MININT64 : G_MAXINT64;
  return difference;
}

gboolean
kv_sqlite_boots_convert (KvSqliteBoots *self, gint64 number, gint64 deadline, gint64 *converted)
{
  Boot *boot = find_boot (self, number);
  gint64 left, passed;

  if (boot == NULL)
    return FALSE;
  boot->used = TRUE;
  if (boot->current)
    {
      *converted = deadline;
      return TRUE;
    }

  left = MAX (subtract (deadline, boot->boottime), 0);
  passed = MAX (subtract (g_get_real_time (), boot->wall), 0);
  *converted = kv_clock_deadline_after (MAX (subtract (left, passed), 0));
  return TRUE;
}

GArray *
kv_sqlite_boots_list_unused (KvSqliteBoots *self)
{
  GArray *unused = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i < self->boots->len; i++)
    {
      const Boot *boot = &g_array_index (self->boots, Boot, i);

      if (!boot->current && !boot->used)
        g_array_append_val (unused, boot->number);
    }
  return unused;
}
