/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "journal/sqlite/kv-sqlite-return.h"

typedef struct {
  GTask *task;   /* (owned) */
  GError *error; /* (owned) (nullable) */
} Return;

static gboolean
return_task (gpointer user_data)
{
  Return *data = user_data;

  if (data->error != NULL)
    g_task_return_error (data->task, data->error);
  else
    g_task_return_boolean (data->task, TRUE);
  g_object_unref (data->task);
  g_free (data);
  return G_SOURCE_REMOVE;
}

void
kv_sqlite_return (GTask *task, GError *error)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  Return *data = g_new (Return, 1);

  *data = (Return){ task, error };
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, return_task, data, NULL);
  g_source_attach (source, g_task_get_context (task));
}
