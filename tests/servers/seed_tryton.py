"""Fill a fresh Tryton over the wire: company, chart of accounts, a product, 50 parties, 100 confirmed sales.

Party n is "Customer nnn" with the address cnnn@customer.test and the number +4207000nnnnn. Sales are drawn with a
fixed seed; their dates lie in the last 60 days.
"""
import datetime
import os
import random
import sys
from decimal import Decimal

from proteus import Model, Wizard, config
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear, get_accounts
from trytond.modules.account_invoice.tests.tools import create_payment_term, set_fiscalyear_invoice_sequences

PARTIES, SALES = 50, 100


def prepare(conf):
    """Company, accounts, one product; returns what a sale needs."""
    for item in Model.get("ir.module.config_wizard.item").find([]):
        item.state = "done"
        item.save()
    Currency = Model.get("currency.currency")
    found = Currency.find([("code", "=", "EUR")])
    currency = found[0] if found else Currency(
        name="Euro", symbol="€", code="EUR", numeric_code="978", rounding=Decimal("0.01"), digits=2)
    if not found:
        rate = currency.rates.new()
        rate.date, rate.rate = datetime.date(2020, 1, 1), Decimal(1)
        currency.save()
    shop = Model.get("party.party")(name="Rejoin Test Shop")
    shop.save()
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party, wizard.form.currency = shop, currency
    wizard.execute("add")
    conf._context = Model.get("res.user").get_preferences(True, {})
    company, = Model.get("company.company").find()
    create_chart(company)
    year = set_fiscalyear_invoice_sequences(create_fiscalyear(company))
    year.click("create_period")
    accounts = get_accounts(company)
    category = Model.get("product.category")(name="Goods", accounting=True)
    category.account_expense, category.account_revenue = accounts["expense"], accounts["revenue"]
    category.save()
    unit, = Model.get("product.uom").find([("name", "=", "Unit")])
    template = Model.get("product.template")(name="Coffee beans 1 kg", default_uom=unit, type="goods", salable=True)
    template.list_price, template.account_category = Decimal("18.90"), category
    template.save()
    term = create_payment_term()
    term.save()
    return company, currency, unit, template.products[0], term


def party(n, term):
    return {
        "name": f"Customer {n:03d}", "customer_payment_term": term.id,
        "addresses": [("create", [{"street": f"Main Street {n}", "city": "Brno", "postal_code": "60200"}])],
        "contact_mechanisms": [("create", [
            {"type": "email", "value": f"c{n:03d}@customer.test"},
            {"type": "mobile", "value": f"+4207000{n:05d}"}])],
    }


def sale(n, party_id, address, made, chance):
    company, currency, unit, product, term = made
    return {
        "company": company.id, "currency": currency.id, "party": party_id, "payment_term": term.id,
        "invoice_address": address, "shipment_address": address,
        "invoice_method": "manual", "shipment_method": "manual", "reference": f"WEB-{n:05d}",
        "sale_date": datetime.date.today() - datetime.timedelta(days=chance.randrange(60)),
        "lines": [("create", [{
            "type": "line", "product": product.id, "unit": unit.id,
            "quantity": float(chance.randrange(1, 6)), "unit_price": Decimal("18.90")}])],
    }


def main(url, password):
    conf = config.set_xmlrpc(url.replace("://", f"://admin:{password}@"))
    made = prepare(conf)
    chance, context = random.Random(1), conf.context
    # In bulk: one call makes all parties, one all sales; record by record takes minutes.
    parties = Model.get("party.party")._proxy.create([party(n, made[4]) for n in range(PARTIES)], context)
    read = Model.get("party.address")._proxy.search_read
    addresses = {a["party"]: a["id"] for a in read([("party", "in", parties)], 0, None, None, ["party"], context)}
    proxy = Model.get("sale.sale")._proxy
    sales = []
    for n in range(SALES):
        buyer = chance.choice(parties)
        sales.append(sale(n, buyer, addresses[buyer], made, chance))
    ids = proxy.create(sales, context)
    proxy.quote(ids, context)
    proxy.confirm(ids, context)
    print("seeded", PARTIES, "parties and", SALES, "sales")


main(sys.argv[1], os.environ["TRYTON_PASSWORD"])
