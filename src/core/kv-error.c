/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "core/kv-error.h"

/* clang-format would take the name for a difference and change it. */
/* clang-format off */
G_DEFINE_QUARK (kv-error-quark, kv_error)
/* clang-format on */
