/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "core/kv-error.h"

G_BEGIN_DECLS

/**
 * kv_http_status_from_error:
 * @error: what went wrong
 *
 * The one table from errors to HTTP statuses.
 *
 * Returns: the status of a #KvError; 500 for an error of another domain, which is a fault of ours
 */
guint kv_http_status_from_error (const GError *error);

G_END_DECLS
