"""The members of every answer: what clients read is dropped by nobody unnoticed."""

from config.api import api

ANSWERS = """
BrandCount: brand count
CartLineOut: sku product name quantity unit_price total notice
CartOut: token lines total
CategoryCount: slug name count
CategoryListOut: items
CategoryOut: slug name path parent
CategoryRef: slug name
CustomerOut: email name created_at
FacetsOut: total price_min price_max categories brands
LoginOut: token expires_at customer
MoneyOut: amount currency
OrderLineOut: sku name quantity unit_price total
OrderOut: number state email total lines payments refunds created_at expires_at paid_at
OrderPageOut: items next
PaymentOut: reference state amount reason created_at
ProblemError: location message
ProblemOut: type title status detail instance request_id errors
ProductDetailOut: slug name brand category price available in_stock image_url
    description attributes variants updated_at
ProductOut: slug name brand category price available in_stock image_url
ProductPageOut: items next
RefundOut: reference state amount created_at
RegisteredOut: email
VariantOut: sku name attributes price available in_stock
WebhookOut: processed
"""
QUESTIONS = ("In", "Query")


def test_every_answer_has_the_members_that_clients_know():
    schemas = api.get_openapi_schema()["components"]["schemas"]
    found = {
        f"{name}: {' '.join(schema['properties'])}"
        for name, schema in schemas.items()
        if not name.endswith(QUESTIONS)
    }
    assert found == set(ANSWERS.strip().replace("\n    ", " ").splitlines())
