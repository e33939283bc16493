"""Catalogue, carts and orders: prices and units are the shop's, and reads cost the same at any size."""

from __future__ import annotations

from unprotected.protection import Cut, row

TESTS = "backend/tests"
MODELS, CARTS = "backend/catalog/models.py", "backend/carts/services.py"
SELECTORS, LIMITS = "backend/carts/selectors.py", "backend/core/limits.py"

row(
    "a cart that is merged is locked, and so is the customer's",
    Cut(CARTS, "    list(carts)\n", ""),
    test=f"{TESTS}/postgres/test_locks.py::test_a_line_that_is_added_first_is_merged",
)
row(
    "a variant has no currency of its own",
    Cut(
        MODELS,
        '    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")\n',
        '    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="variants")\n'
        '    currency = models.CharField(max_length=3, default="EUR")\n',
    ),
    test=f"{TESTS}/test_edges.py::test_a_variant_has_no_currency_of_its_own",
)
row(
    "what is sold in another currency cannot be put into a cart",
    Cut(MODELS, "self.published().filter(currency=settings.SHOP_CURRENCY)", "self.published()"),
    test=f"{TESTS}/test_edges.py::test_what_is_sold_in_another_currency_cannot_be_ordered",
)
row(
    "what is sold in another currency cannot be ordered",
    Cut(SELECTORS, " or product.currency != settings.SHOP_CURRENCY", ""),
    test=f"{TESTS}/test_edges.py::test_what_is_sold_in_another_currency_cannot_be_ordered",
)
row(
    "an unpublished product cannot be ordered",
    Cut(SELECTORS, "product.state != Product.State.PUBLISHED or ", ""),
    test=f"{TESTS}/test_edges.py::test_checkout_of_an_unpublished_product_is_refused",
)
row(
    "the client names no total",
    Cut("backend/core/schemas.py", 'ConfigDict(extra="forbid")', 'ConfigDict(extra="ignore")'),
    test=f"{TESTS}/test_edges.py::test_the_client_does_not_name_the_total",
)
for function in ("a_renamed", "a_moved"):
    row(
        "a category takes along what is below it",
        Cut(
            MODELS,
            'self._below(before).update(path=Concat(Value(self.path), Substr("path", len(before) + 1)))',
        ),
        test=f"{TESTS}/test_edges.py::test_{function}_category_takes_what_is_below_along",
    )
row(
    "a category's new name is found",
    Cut("backend/catalog/signals.py", "    category_search_update(category=instance)\n", ""),
    test=f"{TESTS}/test_edges.py::test_products_are_found_by_the_new_name_of_their_category",
)
row(
    "a category is never below itself",
    Cut(
        MODELS, "        if ancestor is not None:\n            raise", "        if False:\n            raise"
    ),
    test=f"{TESTS}/test_edges.py::test_a_category_is_never_below_itself",
)
row(
    "two moves of categories wait for each other",
    Cut(MODELS, "        Category.lock_all()\n", ""),
    test=f"{TESTS}/postgres/test_locks.py::test_two_moves_at_once_put_no_category_below_itself",
)
row(
    "stock has a limit",
    Cut("backend/catalog/stock.py", "on_hand__lte=MAXIMUM_UNITS - max(change, 0)", "on_hand__lte=10**12"),
    test=f"{TESTS}/test_edges.py::test_stock_does_not_grow_beyond_all_bounds_bit_by_bit",
)
row(
    "HEAD is answered as GET",
    Cut("backend/core/middleware.py", '            request.method = "GET"\n', "            pass\n"),
    test=f"{TESTS}/test_edges.py::test_head_is_get_without_its_body",
    any_case=True,
)
row(
    "a chunked body is read",
    Cut(LIMITS, 'if "chunked" in request.headers.get("Transfer-Encoding", "").lower():', "if False:"),
    test=f"{TESTS}/test_requests.py::test_a_chunked_body_is_read_and_limited_like_any_other",
    any_case=True,
)
row(
    "a chunked body is limited",
    Cut(LIMITS, "        if len(body) > limit:\n            return too_large(request)\n", ""),
    test=f"{TESTS}/test_requests.py::test_a_chunked_body_is_read_and_limited_like_any_other",
    any_case=True,
)
row(
    "a page in the middle reads no more rows than it shows",
    Cut("backend/core/cursors.py", "return reached & beyond", "return beyond"),
    test=f"{TESTS}/postgres/test_plans.py::test_a_page_in_the_middle_reads_no_more_rows_than_it_shows",
    any_case=True,
)
row(
    "a brand is found by its index",
    Cut(
        "backend/catalog/selectors.py",
        'rows.alias(brand_upper=Upper("brand")).filter(brand_upper=Upper(Value(filters.brand)))',
        "rows.filter(brand=filters.brand)",
    ),
    test=f"{TESTS}/postgres/test_plans.py::test_a_brand_is_found_by_its_index",
)
row(
    "a cursor holds text that a database can hold",
    Cut("backend/core/cursors.py", "        value.encode()  #", "        #"),
    test=f"{TESTS}/test_cursors.py::test_a_cursor_holds_a_value_that_a_row_can_have",
    any_case=True,
)
row(
    "an address is UTF-8 whatever charset is named",
    Cut("backend/config/charset.py", 'CHARSET.sub("", environ', '("" or environ'),
    test=f"{TESTS}/test_requests.py::test_an_address_is_utf_8_whatever_charset_a_content_type_names",
    any_case=True,
)
row(
    "attributes are an object that Postgres can hold",
    Cut("backend/catalog/attributes.py", "not isinstance(attributes, dict) or NOTHING in text", "False"),
    test=f"{TESTS}/test_admin.py::test_attributes_that_no_customer_could_read_are_refused",
    any_case=True,
)
row(
    "facets are cached",
    Cut("backend/catalog/api.py", 'load_catalogue(f"facets:{name}", read)', "read()"),
    test=f"{TESTS}/test_cache.py::test_facets_are_cached_until_a_product_changes",
)
row(
    "statements are limited while requests are served",
    Cut("backend/config/env.py", "={statement_ms} -c lock_timeout={lock_ms}", "=0 -c lock_timeout=0"),
    test=f"{TESTS}/test_configuration.py::test_statements_are_limited_while_requests_are_served",
)
row(
    "the worker's statements are limited",
    Cut("backend/manage.py", 'if "run_worker" in sys.argv[1:2]:', "if False:"),
    test=f"{TESTS}/test_configuration.py::test_the_workers_statements_are_limited_too",
    cases=["run_worker-true"],
)
row(
    "a statement that takes too long is a 503 with Retry-After",
    Cut(
        "backend/core/unavailable.py",
        "return database_busy(request, exception) if is_timeout(exception) else None",
        "return None",
    ),
    test=f"{TESTS}/test_unavailable.py::test_a_statement_that_took_too_long_is_called_busy_not_a_lost_connection",
)
row(
    "a changed price is seen at once",
    Cut(
        "backend/catalog/signals.py", "invalidate_products([instance.product.slug, *instance.earlier_slugs])"
    ),
    test=f"{TESTS}/test_cache.py::test_a_changed_price_is_seen_at_once",
)
row(
    "a product is gone from the address that it had",
    Cut("backend/catalog/signals.py", "[instance.slug, *instance.earlier_slugs]", "[instance.slug]"),
    test=f"{TESTS}/test_cache.py::test_a_product_is_gone_at_once_from_the_address_that_it_had",
)
row(
    "a variant is gone from the product that it was of",
    Cut(
        "backend/catalog/signals.py",
        "[instance.product.slug, *instance.earlier_slugs]",
        "[instance.product.slug]",
    ),
    test=f"{TESTS}/test_cache.py::test_a_variant_is_gone_at_once_from_the_product_that_it_was_of",
)
row(
    "facets follow the tree of categories",
    Cut("backend/catalog/signals.py", "    invalidate_catalogue()\n", ""),
    test=f"{TESTS}/test_cache.py::test_the_facets_of_a_category_follow_what_is_below_it_at_once",
)
row(
    "an invalidation that Redis missed is repeated",
    Cut(
        "backend/catalog/cache.py",
        "        _mark_unavailable(failure)\n\n\ndef _invalidate_pending",
        "        _pending.clear()\n\n\ndef _invalidate_pending",
    ),
    test=f"{TESTS}/test_cache.py::test_a_write_that_redis_missed_is_invalidated_before_redis_is_used_again",
)
row(
    "a Redis that hangs is not waited for again and again",
    Cut("backend/catalog/cache.py", "    _unavailable_until_s = time.monotonic() + RETRY_AFTER_S\n", ""),
    test=f"{TESTS}/test_cache.py::test_a_redis_that_hangs_is_not_waited_for_again_and_again",
)
