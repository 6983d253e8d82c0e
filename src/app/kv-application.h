/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "app/kv-settings.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * KvApplication:
 *
 * What kvstored is made of: the only place that names the store, its journal, the limiter and both doors, and that knows in which
 * order they open and close. Lives in the main context in which it was made.
 */
#define KV_TYPE_APPLICATION (kv_application_get_type ())
G_DECLARE_FINAL_TYPE (KvApplication, kv_application, KV, APPLICATION, GObject)

/**
 * kv_application_new:
 * @settings: (transfer none): outlives the application
 */
KvApplication *kv_application_new (const KvSettings *settings);

/**
 * kv_application_start_async:
 *
 * Opens the journal, if there is to be one, and loads what it holds; then opens both doors: binds the addresses, takes the bus name, then serves; says so in the log and on the settings'
 * @ready_fd. Where nobody has named a bus, one that cannot be reached is done without, as long as there is HTTP.
 */
void kv_application_start_async (KvApplication *application,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/**
 * kv_application_start_finish:
 * @error: set to %KV_ERROR_INVALID_ARGUMENT for what was asked wrongly, to %KV_ERROR_UNAVAILABLE or %KV_ERROR_FAILED for
 *   what could not be had, or to %G_IO_ERROR_CANCELLED
 *
 * After a failure the application is good for nothing but to be let go.
 */
gboolean
kv_application_start_finish (KvApplication *application, GAsyncResult *result, GError **error);

/**
 * kv_application_stop_async:
 *
 * Closes both doors at once: nothing new is let in, what is in flight is finished within 30 seconds, streams and watches
 * are ended, the bus name is given up. Then the journal writes what is left. To be called once, after a start that succeeded.
 */
void kv_application_stop_async (KvApplication *application,
                                GAsyncReadyCallback callback,
                                gpointer user_data);

/**
 * kv_application_stop_finish:
 * @error: the first thing that did not end as it should; all else has ended all the same
 */
gboolean
kv_application_stop_finish (KvApplication *application, GAsyncResult *result, GError **error);

G_END_DECLS
