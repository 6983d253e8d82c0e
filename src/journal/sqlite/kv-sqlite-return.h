/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * kv_sqlite_return:
 * @task: (transfer full)
 * @error: (transfer full) (nullable): what went wrong
 *
 * Returns @error, or %TRUE, in the context of @task, where its last reference goes, too. g_task_return_boolean() alone may
 * let go of it in the thread that calls it; with it goes the journal, which waits for that thread.
 *
 * Any thread.
 */
void kv_sqlite_return (GTask *task, GError *error);

G_END_DECLS
