"""duizhang (对账): reconciles an e-commerce company's books from raw files to a signed close.

The engine lives here and knows nothing of Dagster; `assets` and `pipelines` call it.
"""

__version__ = "0.1.0"
